// Returns a list of accessibility problems: texts with low contrast and controls without a name.
(() => {
  const wrong = [];
  const parse = (text) => { const m = text.match(/[\d.]+/g).map(Number); return { r: m[0], g: m[1], b: m[2], a: m[3] ?? 1 }; };
  const light = ({ r, g, b }) => [r, g, b].map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { for (let at = element; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c.a > 0.99) return c; } return parse("rgb(255, 255, 255)"); };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
    if (!node.textContent.trim() || !box.width || style.visibility === "hidden" || style.opacity === "0" || element.closest(".hidden, .skip, noscript, option, canvas, svg, .tools")) continue;
    const [a, b] = [light(parse(style.color)), light(behind(element))].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) wrong.push(`${ratio.toFixed(2)}: ${node.textContent.trim().slice(0, 30)}`);
  }
  for (const control of document.querySelectorAll("button, a, input, select, canvas, [role=tab]")) {
    if (!control.getClientRects().length) continue;
    const name = control.getAttribute("aria-label") || control.textContent.trim() || control.labels?.[0]?.textContent || control.title;
    if (!name) wrong.push(`no name: ${control.outerHTML.slice(0, 60)}`);
  }
  return wrong;
})()
