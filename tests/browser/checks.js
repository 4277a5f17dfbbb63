// What is wrong with a page for those who do not see it or see it badly; a list of sentences, empty where nothing is.
// The rules are those of WCAG 2.2, level AA, as far as a program can tell.
(() => {
  const found = [];
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const short = (element) => element.outerHTML.replace(/\s+/g, " ").slice(0, 140);
  const say = (rule, element) => found.push(`${rule}: ${short(element)}`);

  // Names.
  const name = (element) =>
    element.getAttribute("aria-label") ||
    (element.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join(" ").trim() ||
    (element.labels ? Array.from(element.labels).map((label) => label.textContent).join(" ").trim() : "") ||
    element.textContent.trim() || element.getAttribute("title") || element.querySelector("title")?.textContent || "";
  for (const element of all("a[href], button, summary, input:not([type=hidden]), select, textarea, iframe, [role=region], nav")) {
    if (shown(element) && !name(element)) say("has no name", element);
  }
  for (const element of all("input:not([type=hidden]):not([type=search])")) if (shown(element) && !element.labels?.length) say("has no label", element);
  for (const element of all("img")) if (!element.hasAttribute("alt")) say("has no alt", element);
  for (const element of all("svg")) {
    const named = element.getAttribute("aria-label") || element.closest("[aria-hidden=true]") || element.querySelector("title");
    if (!named) say("is a picture without a name", element);
  }

  // Structure.
  if (document.documentElement.lang !== "en") found.push("the page has no language");
  if (all("h1").length !== 1) found.push(`${all("h1").length} headings of the first order`);
  if (all("main").length !== 1) found.push("not one main part");
  let before = 1;
  for (const heading of all("h1, h2, h3, h4, h5, h6")) {
    const level = Number(heading.tagName[1]);
    if (level > before + 1) say("skips an order of headings", heading);
    before = level;
  }
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) found.push(`two elements have the id ${id}`);
  for (const table of all("table")) {
    if (!table.querySelector("th[scope]")) say("is a table without heads", table);
    const parent = table.closest(".scroll");
    if (parent && (parent.tabIndex < 0 || !parent.getAttribute("aria-label"))) say("scrolls and is not reached by keyboard", parent);
  }
  for (const element of all("[tabindex]")) if (element.tabIndex > 0) say("changes the order of the keyboard", element);

  // Contrast. Colours are painted on a canvas, so that every notation of them is understood.
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const luminance = ([r, g, b]) => {
    const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const ground = (element) => {
    const grounds = [];
    for (let at = element; at; at = at.parentElement) {
      const each = colour(getComputedStyle(at).backgroundColor);
      grounds.push(each);
      if (each[3] === 1) break;
    }
    return grounds.reverse().reduce((below, each) => over(each, below), [255, 255, 255, 1]);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || seen.has(element) || !shown(element) || element.closest("svg, script, style, .unseen, .skip, [disabled]")) continue;
    seen.add(element);
    const style = getComputedStyle(element);
    const below = ground(element);
    const [a, b] = [luminance(over(colour(style.color), below)), luminance(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) say(`has a contrast of ${ratio.toFixed(2)}`, element);
  }
  for (const text of all("svg text")) {
    if (!shown(text) || !text.textContent.trim()) continue;
    const box = text.closest("svg");
    const card = text.parentElement.querySelector(":scope > .card");
    const below = card ? colour(getComputedStyle(card).fill) : ground(box);
    const [a, b] = [luminance(over(colour(getComputedStyle(text).fill), below)), luminance(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) say(`has a contrast of ${ratio.toFixed(2)}`, text);
  }
  return found;
})()
