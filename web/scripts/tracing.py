"""What a Chromium trace says about one stretch of time: frames on the screen, work of the main thread."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Page

CATEGORIES = ["cc,benchmark", "devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"]
BLANK = ("has_missing_content", "checkerboarded_needs_raster", "checkerboarded_needs_record")
LONG_TASK_MS = 50
FRAME_MS = 1000 / 60
MARK = "traced"


@dataclass
class Trace:
    """Times in milliseconds. Filled when the block of `traced` ends."""

    #: From one picture on the screen to the next; time in which nothing was to be drawn is left out.
    frames: list[float] = field(default_factory=list)
    #: Frames that were due and did not come.
    dropped: int = 0
    #: Pictures with a place that was not painted yet.
    blank: int = 0
    #: Every task of the page's main thread.
    tasks: list[float] = field(default_factory=list)
    #: The main thread's CPU time by kind of work: what it waited for a core is left out.
    work: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        long = sum(task > LONG_TASK_MS for task in self.tasks)
        p50, p95, p99 = (percentile(self.frames, share) for share in (0.5, 0.95, 0.99))
        return (
            f"{len(self.frames):4} frames, p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}, max {percentile(self.frames, 1):.1f} ms,"
            f" {self.dropped} dropped, {self.blank} with blanks;"
            f" main thread: p99 {percentile(self.tasks, 0.99):.1f}, max {percentile(self.tasks, 1):.1f} ms, {long} long tasks"
        )


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@asynccontextmanager
async def traced(browser: Browser, page: Page) -> AsyncIterator[Trace]:
    trace = Trace()
    await browser.start_tracing(page=page, categories=CATEGORIES)
    yield trace
    await page.evaluate(f"console.timeStamp('{MARK}')")
    events = json.loads(await browser.stop_tracing())["traceEvents"]
    renderer = main_thread(events)
    read_frames(trace, events, renderer[0])
    read_main_thread(trace, events, renderer)


def main_thread(events: list[dict[str, Any]]) -> tuple[int, int]:
    """Process and thread of the page, where it left its mark: the browser's own pages have renderers
    too, which may be busier than a plain page."""
    marks = (one for one in events if one["name"] == "TimeStamp" and one["args"]["data"]["message"] == MARK)
    mark = next(marks)
    return mark["pid"], mark["tid"]


def read_frames(trace: Trace, events: list[dict[str, Any]], process: int) -> None:
    """`PipelineReporter` spans a frame from when it is due to when it is on the screen."""
    begun: dict[str, dict[str, Any]] = {}
    previous = 0.0
    for event in sorted(events, key=lambda one: one["ts"]):
        if event["name"] != "PipelineReporter" or event["pid"] != process:
            continue
        if event["ph"] == "b":
            begun[event["id2"]["local"]] = event
            continue
        begin = begun.pop(event["id2"]["local"], None)
        if begin is None:
            continue
        frame, shown = begin["args"]["frame_reporter"], event["ts"] / 1000
        trace.dropped += frame["state"] == "STATE_DROPPED"
        if frame["state"].startswith("STATE_PRESENTED") and shown > previous:
            trace.blank += any(frame[name] for name in BLANK)
            if previous:
                trace.frames.append(shown - max(previous, begin["ts"] / 1000 - FRAME_MS))
            previous = shown


def read_main_thread(trace: Trace, events: list[dict[str, Any]], thread: tuple[int, int]) -> None:
    for event in events:
        if (event["pid"], event["tid"]) != thread or event["ph"] != "X":
            continue
        took = event.get("dur", 0) / 1000
        if event["name"] == "RunTask":
            trace.tasks.append(took)
        elif event["cat"].endswith("devtools.timeline"):
            trace.work[event["name"]] = trace.work.get(event["name"], 0) + event.get("tdur", 0) / 1000
