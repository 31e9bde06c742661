// The page: the facts about each alternative, and the controls of the player.

const RESIZED = 8; // redraw if the window's width changes by at least so many pixels
const byId = (id) => document.getElementById(id);

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function icon(name) {
  const use = svg("use", { href: `#icon-${name}` });
  return svg("svg", { "aria-hidden": "true" }, use);
}

function table(kind, heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col" }, text)));
  return element("table", { className: kind },
    element("thead", {}, head), element("tbody", {}, ...rows));
}

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const dot = (voice) => element("span", { className: "dot", "data-voice": voice });

const player = new Player(PIECES);
const rolls = [];
const playButtons = [];

// Above the alternatives ---------------------------------------------------------------------

function showFacts() {
  for (const [name, value] of Object.entries(DATA.facts)) {
    byId("facts").append(element("div", {}, element("dt", {}, name), element("dd", {}, value)));
  }
}

function showOverview() {
  if (PIECES.length < 2) return;
  const rows = PIECES.map((piece) => element("tr", {},
    element("th", { scope: "row" },
      element("a", { href: `#alternative-${piece.index + 1}` }, piece.heading)),
    element("td", { className: "figure" }, piece.violations ? `${piece.violations.length}` : "–"),
    element("td", {}, piece.beyond?.length
      ? element("strong", {}, piece.beyond.join(", ")) : piece.beyond ? "nothing" : "–"),
    element("td", { className: "figure" }, piece.nats === null ? "–" : piece.nats.toFixed(2)),
  ));
  const heads = ["Best first", "Violations", "Beyond Bach", "Surprise, nats a step"];
  byId("overview").append(table("overview", heads, rows));
}

function showLegend() {
  const mark = (kind) => element("span", { className: `sample ${kind}` });
  const marks = VOICES.map((name, voice) => element("span", {}, dot(voice), name));
  if (PIECES.some((piece) => piece.notes.some((note) => note.given))) {
    marks.push(element("span", {}, mark("given"), "given"));
  }
  if (PIECES.some((piece) => piece.violations?.length)) {
    marks.push(element("span", {}, mark("ring"), "breaks a rule"));
  }
  byId("legend").append(...marks);
}

// An alternative ----------------------------------------------------------------------------

function alternative(piece) {
  const button = element("button", { className: "round", type: "button" }, icon("play"));
  button.addEventListener("click", () => playOrPause(piece.index));
  playButtons.push(button);
  const container = element("div", {
    className: "roll", role: "img", "aria-label": `Piano roll of ${piece.heading}`,
  });
  const roll = new Roll(piece, container, player);
  rolls.push(roll);
  container.addEventListener("click", (event) => {
    const place = roll.placeUnder(event);
    if (place !== null) goTo(piece.index, place);
  });
  const links = piece.files.map(({ name, href }) => element("a", { href }, name));
  return element("section", {
    className: "alternative", id: `alternative-${piece.index + 1}`, "aria-label": piece.heading,
  },
    element("header", {}, button,
      element("div", {}, element("h2", {}, piece.heading),
        element("p", { className: "reasons" }, piece.reasons.join(" "))),
      element("nav", { className: "files", "aria-label": `Files of ${piece.heading}` }, ...links)),
    container,
    element("div", { className: "tables" }, ...violationTable(piece, roll), ...ruleTable(piece)));
}

function violationTable(piece, roll) {
  if (!piece.violations?.length) return [];
  const rows = piece.violations.map((violation) => {
    const go = element("button", { type: "button", className: "link" }, `${violation.bar}`);
    go.setAttribute("aria-label", `Go to ${violation.rule}, bar ${violation.bar}`);
    const sung = violation.voices.map((voice, i) => element("span", { className: "sung" },
      dot(voice), `${VOICES[voice]} `,
      element("span", { className: "names" }, printed(violation.pitches[i]).replace(" ", " → "))));
    const row = element("tr", { className: "violation" },
      element("td", { className: "figure" }, go),
      element("td", { className: "figure" }, `${+violation.beat.toFixed(2)}`),
      element("td", {}, violation.rule), element("td", {}, ...sung));
    row.addEventListener("click", () => {
      for (const other of rolls) other.pick(other === roll ? violation : null);
      for (const other of document.querySelectorAll("tr.here")) other.classList.remove("here");
      row.classList.add("here");
      goTo(piece.index, violation.since);
      show(roll.systemAt(violation.since).element);
    });
    return row;
  });
  return [element("details", { open: true },
    element("summary", {}, plural(rows.length, "violation")),
    table("violations", ["Bar", "Beat", "Rule", "Voices"], rows))];
}

function ruleTable(piece) {
  if (!piece.rules.length) return [];
  const rows = piece.rules.map((rule) => {
    const name = element(rule.beyond ? "strong" : "span", {}, rule.name);
    const verdict = rule.beyond ? [element("strong", { className: "beyond" }, "beyond Bach")] : [];
    return element("tr", { className: rule.beyond ? "beyond" : "" },
      element("td", {}, name, " ", ...verdict,
        element("span", { className: "summary" }, rule.summary)),
      element("td", { className: "figure" }, rule.rate.toFixed(1)),
      element("td", { className: "figure" }, rule.bach.toFixed(1)),
      element("td", { className: "figure" }, `${Math.round(rule.percentile)} %`));
  });
  return [element("details", { open: true },
    element("summary", {}, "Beside Bach, per 100 chords"),
    table("rules", ["Rule", "Here", "Bach", "More than"], rows))];
}

// The player's controls -----------------------------------------------------------------------

function playOrPause(index) {
  if (player.piece.index === index) player.toggle();
  else {
    select(index);
    player.play();
  }
}

/** Choose another alternative. Keep the place in the music and in the window, for comparison. */
function select(index) {
  if (index === player.piece.index || !PIECES[index]) return;
  const before = rolls[player.piece.index].systemAt(player.place).element;
  const top = before.getBoundingClientRect().top;
  const wasSeen = isSeen(before);
  player.select(index);
  const after = rolls[index].systemAt(player.place).element;
  if (wasSeen) window.scrollBy({ top: after.getBoundingClientRect().top - top, behavior: "instant" });
  else show(after);
}

/** Go to a place, in steps, of an alternative. */
function goTo(index, place) {
  if (index !== player.piece.index) player.select(index);
  player.seek(place);
}

function goBars(count) {
  const { piece, place } = player;
  const bar = piece.bars.indexOf(piece.barAt(place));
  const into = place - piece.bars[bar].start;
  // After the first beat of a bar, going back goes to the beginning of this bar.
  const target = bar + count + (count < 0 && into > piece.bars[bar].beat ? 1 : 0);
  player.seek(piece.bars[Math.min(Math.max(0, target), piece.bars.length - 1)].start);
}

function isSeen(system) {
  const { top, bottom } = system.getBoundingClientRect();
  return top >= -20 && bottom <= byId("dock").getBoundingClientRect().top + 20;
}

function show(system) {
  if (!isSeen(system)) system.scrollIntoView({ block: "center" });
}

function toggleButton(label, name, which, voice) {
  const button = element("button", { type: "button", className: "toggle", title: `${label} ${name}` }, label[0]);
  button.setAttribute("aria-label", `${label} ${name.toLowerCase()}`);
  button.addEventListener("click", () => player.flip(which, voice));
  return { button, isOn: () => which.has(voice) };
}

function buildDock() {
  byId("play").addEventListener("click", () => player.toggle());
  byId("more").addEventListener("click", () => {
    const open = byId("dock").classList.toggle("open");
    byId("more").setAttribute("aria-expanded", open);
  });
  byId("stop").addEventListener("click", () => player.stop());
  byId("position").addEventListener("input", (event) => player.seek(+event.target.value));
  byId("volume").addEventListener("input", (event) => player.setVolume((event.target.value / 100) ** 2));
  player.setVolume((byId("volume").value / 100) ** 2);
  byId("tempo").addEventListener("input", (event) => player.setRate(event.target.value / 100));
  const switches = PIECES.map((piece) => {
    const button = element("button", { type: "button", title: piece.heading }, piece.name);
    button.setAttribute("aria-label", piece.heading);
    button.addEventListener("click", () => select(piece.index));
    return button;
  });
  byId("switch").append(...switches);
  const toggles = VOICES.flatMap((name, voice) => {
    const both = [
      toggleButton("Mute", name, player.muted, voice),
      toggleButton("Solo", name, player.solo, voice),
    ];
    byId("voices").append(element("span", { className: "voice" }, dot(voice),
      element("span", { className: "name" }, name), ...both.map(({ button }) => button)));
    return both;
  });
  buildLoop();
  player.onchange = () => {
    for (const { button, isOn } of toggles) button.setAttribute("aria-pressed", isOn());
    switches.forEach((button, i) => button.setAttribute("aria-pressed", i === player.piece.index));
    byId("loop").setAttribute("aria-pressed", player.loop !== null);
    for (const roll of rolls) roll.bracket(player.loop);
    byId("tempo-value").textContent = `${Math.round(100 * player.rate)} %`;
    byId("position").max = player.piece.steps - 1;
    showPlaying(byId("play"), player.playing, "");
    playButtons.forEach((button, i) => {
      const here = player.piece.index === i;
      showPlaying(button, player.playing && here, ` ${PIECES[i].heading}`);
      byId(`alternative-${i + 1}`).classList.toggle("current", here);
    });
    frame();
  };
}

function showPlaying(button, playing, what) {
  button.setAttribute("aria-label", (playing ? "Pause" : "Play") + what);
  button.querySelector("use").setAttribute("href", playing ? "#icon-pause" : "#icon-play");
}

function buildLoop() {
  const [from, to] = [byId("loop-from"), byId("loop-to")];
  const { bars } = PIECES[0];
  const [first, last] = [bars[0].number, bars.at(-1).number];
  for (const field of [from, to]) Object.assign(field, { min: first, max: last });
  from.value = first;
  to.value = last;
  const chosen = () => {
    const low = Math.min(Math.max(first, Math.round(+from.value)), last);
    const high = Math.min(Math.max(low, Math.round(+to.value)), last);
    const end = bars[high - first];
    return { from: bars[low - first].start, to: end.start + end.length };
  };
  byId("loop").addEventListener("click", () => player.setLoop(player.loop ? null : chosen()));
  for (const field of [from, to]) {
    field.addEventListener("change", () => player.setLoop(chosen()));
  }
}

function keyPressed(event) {
  const { target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target.type === "number") return;
  const sliding = target.type === "range";
  const actions = {
    " ": target.closest("button, a, summary") ? null : () => player.toggle(),
    ArrowLeft: sliding ? null : () => goBars(-1),
    ArrowRight: sliding ? null : () => goBars(1),
  };
  const action = /^[1-9]$/.test(event.key) ? () => select(event.key - 1) : actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** Remove the focus from a clicked button, so that the space bar controls the player again. */
function letGo(event) {
  if (event.detail > 0) event.target.closest?.("button, summary")?.blur();
}

// Animation -------------------------------------------------------------------------------------

let lastSystem = null;

/** Show the position of the player; while it plays, again for each frame. */
function frame() {
  const systems = rolls.map((roll) => roll.follow());
  const system = systems[player.piece.index];
  // The window follows the playhead only if the last system was in view.
  if (player.playing && lastSystem && system !== lastSystem && isSeen(lastSystem.element)) {
    show(system.element);
  }
  lastSystem = system;
  const words = player.piece.beatAt(player.place);
  if (byId("place").textContent !== words) {
    byId("place").textContent = words;
    byId("position").setAttribute("aria-valuetext", words);
  }
  byId("position").value = player.place;
  const share = player.place / Math.max(1, byId("position").max);
  byId("position").style.setProperty("--share", `${100 * Math.min(1, share)}%`);
}

function animate() {
  if (player.playing) frame();
  requestAnimationFrame(animate);
}

function tellUnder(event) {
  const tip = byId("tip");
  const box = event.target.closest?.("[data-note]");
  tip.hidden = !box;
  if (!box) return;
  const { piece } = rolls.find((roll) => roll.container.contains(box));
  const note = piece.notes[box.dataset.note];
  const faults = note.violations.map(({ rule }) => element("span", { className: "fault" }, rule));
  tip.replaceChildren(
    element("strong", {}, `${VOICES[note.voice]} ${note.name}`),
    element("span", {}, piece.words(note.step) + (note.given ? ", given" : "")), ...faults);
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.min(event.clientX + 12, innerWidth - width - 8)}px`;
  tip.style.top = `${Math.max(8, event.clientY - height - 12)}px`;
}

function drawRolls() {
  const width = byId("alternatives").clientWidth;
  if (Math.abs(width - drawRolls.width) < RESIZED) return;
  drawRolls.width = width;
  for (const roll of rolls) {
    roll.draw(width);
    roll.bracket(player.loop);
  }
}
drawRolls.width = 0;

DATA.colours.forEach((colour, voice) =>
  document.documentElement.style.setProperty(`--voice-${voice}`, colour));
showFacts();
showOverview();
showLegend();
byId("alternatives").append(...PIECES.map(alternative));
buildDock();
drawRolls();
player.onchange();
new ResizeObserver(drawRolls).observe(byId("alternatives"));
document.addEventListener("keydown", keyPressed);
document.addEventListener("click", letGo);
document.addEventListener("pointermove", tellUnder);
requestAnimationFrame(animate);

/** For scripts and tests: the player, its pieces, rendering to sound, and the present level. */
window.musicae = { player, pieces: PIECES, render, level: () => player.choir?.level() ?? 0 };
