/** How our charts look, in uPlot's terms. */
import uPlot, { type Options } from 'uplot'
import { regional } from './words'

type Look = Omit<Options, 'width' | 'height'>
type Colour = (name: string) => string

/** People come in whole numbers. */
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000]
/** And times in whole seconds, minutes, hours. */
const SECONDS = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200]
const FONT = '12px system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif'

function axes(colour: Colour): { stroke: string; font: string; grid: uPlot.Axis.Grid; ticks: uPlot.Axis.Ticks } {
  return {
    stroke: colour('ink-3'),
    font: FONT,
    grid: { stroke: colour('line'), width: 1 },
    ticks: { show: false },
  }
}

const whole = (values: number[]): string[] => values.map((value) => (Number.isInteger(value) ? String(value) : ''))

/** Upright bars with a name under each and its value above; one colour name a bar, or one for all. */
export function barsLook(names: readonly string[], colours: readonly string[]): (colour: Colour) => Look {
  return (colour) => ({
    legend: { show: false },
    cursor: { show: false },
    padding: [18, 8, 0, 0],
    scales: { x: { time: false, range: [-0.6, names.length - 0.4] }, y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.08)] } },
    axes: [
      { ...axes(colour), grid: { show: false }, splits: names.map((_name, index) => index), values: () => [...names], size: 26 },
      { ...axes(colour), values: (_plot, values) => whole(values), incrs: STEPS, size: 40 },
    ],
    series: [
      {},
      {
        fill: colour(colours[0] ?? 'chart-accent'),
        width: 0,
        points: { show: false },
        paths: uPlot.paths.bars!({
          size: [0.56, 64],
          radius: 0.16,
          ...(colours.length > 1
            ? { disp: { fill: { unit: 3, values: () => names.map((_name, index) => colour(colours[index % colours.length]!)) } } }
            : {}),
        }),
      },
    ],
    hooks: { draw: [(plot) => writeValues(plot, colour('ink'))] },
  })
}

/** The value above each bar: read without guessing from the axis. */
function writeValues(plot: uPlot, colour: string): void {
  const { ctx } = plot
  ctx.save()
  ctx.font = `600 ${12 * devicePixelRatio}px system-ui, sans-serif`
  ctx.fillStyle = colour
  ctx.textAlign = 'center'
  plot.data[1]?.forEach((value, index) => {
    if (value == null) return
    const x = plot.valToPos(index, 'x', true)
    const y = plot.valToPos(value, 'y', true)
    ctx.fillText(String(value), x, y - 6 * devicePixelRatio)
  })
  ctx.restore()
}

/** The course of the queue since this page was opened. */
export function courseLook(labels: [waiting: string, minutes: string], locale: string): (colour: Colour) => Look {
  const minutes = { hour: '2-digit', minute: '2-digit' } as const
  const plain = new Intl.DateTimeFormat(regional(locale), minutes)
  const fine = new Intl.DateTimeFormat(regional(locale), { ...minutes, second: '2-digit' })
  const write = (values: number[]): string[] => {
    const isShort = (values[values.length - 1] ?? 0) - (values[0] ?? 0) < 600
    return values.map((at) => (isShort ? fine : plain).format(at * 1000))
  }
  return (colour) => ({
    legend: { show: false },
    cursor: { show: false },
    padding: [12, 30, 0, 0],
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.1)] } },
    axes: [
      { ...axes(colour), values: (_plot, values) => write(values), incrs: SECONDS, space: 78, size: 28 },
      { ...axes(colour), values: (_plot, values) => whole(values), incrs: STEPS, size: 40 },
    ],
    series: [
      {},
      {
        label: labels[0],
        stroke: colour('chart-accent'),
        fill: `${colour('chart-accent')}2e`,
        width: 2,
        points: { show: false },
        paths: uPlot.paths.stepped!({ align: 1 }),
      },
      { label: labels[1], stroke: colour('chart-warm'), width: 2, dash: [6, 5], points: { show: false } },
    ],
  })
}
