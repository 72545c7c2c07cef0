// The pages: which one is shown, in which light, and whether the server is there.

import { h, put } from "./dom.js";
import { runsPage } from "./runs.js";
import { runPage } from "./run.js";
import { comparePage } from "./compare.js";

const PAGES = { "/": runsPage, "/run": runPage, "/compare": comparePage };
const root = document.getElementById("page");
const banner = document.getElementById("banner");
const connection = document.getElementById("connection");
let leave = () => {};

export const app = {
  get params() { return new URLSearchParams(location.search); },
  /** Put the state of the view into the address, so that a link carries it. */
  keep(changes, { push = false } = {}) {
    const params = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      params.delete(name);
      for (const one of Array.isArray(value) ? value : [value]) if (one !== null && one !== undefined && one !== "") params.append(name, one);
    }
    const query = params.toString();
    history[push ? "pushState" : "replaceState"](null, "", location.pathname + (query ? `?${query}` : ""));
  },
  go(path) { history.pushState(null, "", path); show(); },
  lost(text) { connection.dataset.state = "lost"; put(connection, "offline"); app.say(text ?? "The server does not answer. This page tries again, and shows what it last knew."); },
  back() { connection.dataset.state = "live"; put(connection, "live"); app.say(null); },
  say(text) { banner.hidden = !text; put(banner, text ?? ""); },
  title(text) { document.title = text ? `${text} – rlvitals` : "rlvitals"; },
};

function show() {
  leave();
  app.say(null);
  const make = PAGES[location.pathname] ?? runsPage;
  const links = [["/", "Runs"], ["/compare", "Compare"]];
  put(document.getElementById("nav"), links.map(([href, text]) =>
    h("a", { href, "data-nav": true, "aria-current": location.pathname === href ? "page" : null }, text)));
  put(root);
  leave = make(root, app) ?? (() => {});
  window.scrollTo(0, 0);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-nav]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  app.go(link.getAttribute("href"));
});
addEventListener("popstate", show);

const THEMES = ["auto", "light", "dark"];
const themeButton = document.getElementById("theme");
function theme(name) {
  try { localStorage.setItem("rlvitals.theme", name); } catch { /* a private window */ }
  document.documentElement.dataset.theme = name;
  put(themeButton, { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" }[name]);
  themeButton.setAttribute("aria-label", `Colours: ${name}. Press for the next.`);
  dispatchEvent(new Event("themechange"));
}
let saved = "auto";
try { saved = localStorage.getItem("rlvitals.theme") ?? "auto"; } catch { /* likewise */ }
themeButton.addEventListener("click", () => theme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % 3]));
theme(THEMES.includes(saved) ? saved : "auto");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("themechange")));

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  if (event.key === "/") { const search = document.querySelector("input[type=search]"); if (search) { event.preventDefault(); search.focus(); } }
  else if (event.key === "g") app.go("/");
  else if (event.key === "t") themeButton.click();
});

show();
