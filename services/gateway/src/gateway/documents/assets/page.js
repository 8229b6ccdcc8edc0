"use strict";
const search = document.getElementById("search");
const count = document.getElementById("count");
const items = [...document.querySelectorAll("[data-words]")];
const groups = [...document.querySelectorAll(".group, nav ul")];

function show() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const item of items) {
    item.hidden = !words.every((word) => item.dataset.words.includes(word));
    if (!item.hidden && item.tagName === "LI") found += 1;
  }
  for (const group of groups) {
    group.hidden = !group.querySelector("[data-words]:not([hidden])");
    if (group.tagName === "UL") group.previousElementSibling.hidden = group.hidden;
  }
  count.textContent = words.length ? `${found} endpoint${found === 1 ? "" : "s"}` : "";
}

search.addEventListener("input", show);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && document.activeElement === search) {
    search.value = "";
    show();
  }
});
