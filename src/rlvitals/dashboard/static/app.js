// Page router, colour theme, keyboard shortcuts and connection state.

import { fillQuery, listen } from "./api.js";
import { h, put, stored } from "./dom.js";
import { runsPage } from "./runs.js";
import { runPage } from "./run.js";
import { comparePage } from "./compare.js";

const PAGES = { "/": runsPage, "/run": runPage, "/compare": comparePage };
const LINKS = [["/", "Runs"], ["/compare", "Compare"]];
const part = (id) => document.getElementById(id);
const root = part("page"), banner = part("banner"), connection = part("connection"), themeButton = part("theme");
let leave = () => {};

function connect(state, text) { connection.dataset.state = state; put(connection, text); }

const app = {
  get params() { return new URLSearchParams(location.search); },
  /** Store the state of the view in the address, so that a link restores it. */
  keep(changes) { history.replaceState(null, "", location.pathname + fillQuery(app.params, changes)); },
  go(path) { history.pushState(null, "", path); show(); },
  lost(text = "The server does not respond.") { connect("lost", "offline"); app.retrying(text); },
  back() { connect("live", "live"); app.say(null); },
  say(text) { banner.hidden = !text; put(banner, text ?? ""); },
  retrying(text) { app.say(`${text} This page shows the last known state and keeps retrying.`); },
  title(text) { document.title = `${text} – rlvitals`; },
  /** Listen to changes; after a lost connection, reload the data. */
  listen(params, heard, { lost = () => app.lost(), back = heard.again } = {}) {
    connect("live", "live");
    return listen(params, heard, { lost, back: () => { app.back(); back(); } });
  },
};

function show() {
  leave();
  app.say(null);
  put(part("nav"), LINKS.map(([href, text]) =>
    h("a", { href, "data-nav": true, "aria-current": location.pathname === href ? "page" : null }, text)));
  put(root);
  leave = (PAGES[location.pathname] ?? runsPage)(root, app);
  window.scrollTo(0, 0);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-nav]"), altered = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
  if (!link || event.defaultPrevented || event.button || altered) return;
  event.preventDefault();
  app.go(link.getAttribute("href"));
});
addEventListener("popstate", show);

const THEME = "rlvitals.theme", THEMES = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" };
const retheme = () => dispatchEvent(new Event("themechange"));
function theme(name) {
  document.documentElement.dataset.theme = name;
  put(themeButton, THEMES[name]);
  themeButton.setAttribute("aria-label", `Colour theme: ${name}. Press to change.`);
  retheme();
  return name;
}
const names = Object.keys(THEMES), saved = stored(THEME);
themeButton.addEventListener("click", () => stored(THEME, theme(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length])));
theme(names.includes(saved) ? saved : "auto");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", retheme);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const search = document.querySelector("input[type=search]");
  if (event.key === "/" && search) { event.preventDefault(); search.focus(); }
  else if (event.key === "g") app.go("/");
  else if (event.key === "t") themeButton.click();
});

show();
