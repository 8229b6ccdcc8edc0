"use strict";
// Mails are foreign text: everything is written by textContent, HTML only into the sandboxed frame.

const TEXTS = {
  en: {
    title: "Mail catcher", clear: "Delete all", back: "← Back", text: "Text", raw: "Raw",
    empty: "No mail yet. Whatever the product sends lands here and goes nowhere else.",
    choose: "Choose a mail to read it.", from: "From", to: "To", replyTo: "Reply to",
    sent: "Received", noSubject: "(no subject)", sure: "Delete all mails?", mails: "Mails",
    files: "Attachments", other: "中文",
  },
  zh: {
    title: "邮件收件箱", clear: "全部删除", back: "← 返回", text: "纯文本", raw: "原文",
    empty: "还没有邮件。系统发出的邮件都会落在这里，不会寄到别处。",
    choose: "选择一封邮件查看。", from: "发件人", to: "收件人", replyTo: "回复到",
    sent: "收到时间", noSubject: "（无主题）", sure: "删除全部邮件？", mails: "邮件列表",
    files: "附件", other: "English",
  },
};
const POLL_MS = 2000;
const byId = (id) => document.getElementById(id);
const state = {
  language: navigator.language.startsWith("zh") ? "zh" : "en",
  mails: [], chosen: null, view: "html",
};
const text = (key) => TEXTS[state.language][key];

function element(tag, className, content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
}

function when(seconds) {
  const locale = state.language === "zh" ? "zh-CN" : "en-GB";
  return new Date(seconds * 1000).toLocaleString(locale, { dateStyle: "short", timeStyle: "medium" });
}

function showTexts() {
  document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
  document.title = text("title");
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = text(node.dataset.text);
  byId("list").setAttribute("aria-label", text("mails"));
  byId("language").textContent = text("other");
  byId("empty").textContent = text(state.mails.length ? "choose" : "empty");
}

function showList() {
  byId("count").textContent = String(state.mails.length);
  document.body.classList.toggle("some", state.mails.length > 0);
  byId("empty").hidden = state.chosen !== null;
  byId("clear").disabled = state.mails.length === 0;
  byId("list").replaceChildren(...state.mails.map((mail) => {
    const entry = element("button");
    entry.type = "button";
    entry.setAttribute("aria-current", String(mail.id === state.chosen?.id));
    const row = element("div", "row");
    row.append(element("span", "to", mail.rcpt_to.join(", ")), element("time", "", when(mail.received_at)));
    entry.append(element("div", "subject", mail.subject || text("noSubject")), row);
    entry.addEventListener("click", () => choose(mail.id));
    return entry;
  }));
  showTexts();
}

function fact(name, value) {
  return value ? [element("dt", "", name), element("dd", "", value)] : [];
}

function showMail() {
  const mail = state.chosen;
  byId("reader").hidden = mail === null;
  document.body.classList.toggle("reading", mail !== null);
  if (mail === null) return;
  byId("subject").textContent = mail.subject || text("noSubject");
  byId("facts").replaceChildren(
    ...fact(text("from"), mail.from || mail.mail_from), ...fact(text("to"), mail.rcpt_to.join(", ")),
    ...fact(text("replyTo"), mail.reply_to), ...fact(text("sent"), when(mail.received_at)),
    ...fact("Message-ID", mail.message_id),
    ...fact(text("files"), mail.attachments.map((file) => file.filename || file.content_type).join(", ")),
  );
  showView();
}

async function showView() {
  const mail = state.chosen;
  const has = { html: mail.html !== null, text: mail.text !== null, raw: true };
  const view = has[state.view] ? state.view : ["html", "text", "raw"].find((name) => has[name]);
  for (const tab of byId("tabs").children) {
    tab.setAttribute("aria-selected", String(tab.dataset.view === view));
    tab.disabled = !has[tab.dataset.view];
  }
  byId("html").hidden = view !== "html";
  byId("text").hidden = view === "html";
  if (view === "html") byId("html").src = `/api/mails/${mail.id}/html`;
  if (view === "text") byId("text").textContent = mail.text;
  if (view === "raw") byId("text").textContent = await (await fetch(`/api/mails/${mail.id}/raw`)).text();
}

async function choose(id) {
  const answer = await fetch(`/api/mails/${id}`);
  state.chosen = answer.ok ? await answer.json() : null;
  showList();
  showMail();
}

async function load() {
  const answer = await fetch("/api/mails").catch(() => null);
  if (answer?.ok) {
    const { mails } = await answer.json();
    const changed = mails.length !== state.mails.length || mails[0]?.id !== state.mails[0]?.id;
    state.mails = mails;
    if (state.chosen && !mails.some((mail) => mail.id === state.chosen.id)) {
      state.chosen = null;
      showMail();
    }
    if (changed) showList();
  }
  setTimeout(load, POLL_MS);
}

byId("language").addEventListener("click", () => {
  state.language = state.language === "zh" ? "en" : "zh";
  showList();
  showMail();
});
byId("clear").addEventListener("click", async () => {
  if (!confirm(text("sure"))) return;
  await fetch("/api/mails", { method: "DELETE" });
  state.mails = [];
  state.chosen = null;
  showList();
  showMail();
});
byId("back").addEventListener("click", () => {
  state.chosen = null;
  showList();
  showMail();
});
byId("tabs").addEventListener("click", (event) => {
  const view = event.target.dataset?.view;
  if (view) {
    state.view = view;
    showView();
  }
});
showList();
load();
