// The page: a cursor in the score, the mixer's controls, and the keyboard.

const data = JSON.parse(document.getElementById("data").textContent);
const player = new Player(data);
const find = (id) => document.getElementById(id);
const score = find("score");
const cursor = find("cursor");

function make(tag, facts, ...inside) {
  const element = Object.assign(document.createElement(tag), facts);
  element.append(...inside);
  return element;
}

function button(text, label, action) {
  const made = make("button", { type: "button", textContent: text, onclick: action });
  made.setAttribute("aria-label", label);
  return made;
}

const pressed = (element, is) => element.setAttribute("aria-pressed", String(is));

// The mixer

const strips = data.voices.map((name, voice) => {
  const slider = make("input", { type: "range", min: -40, max: 0, step: 1, value: 0 });
  slider.setAttribute("aria-label", `Volume of ${name}`);
  slider.oninput = () => {
    player.levels[voice] = Number(slider.value);
    player.balance();
  };
  const flip = (set) => () => {
    if (!set.delete(voice)) set.add(voice);
    player.balance();
  };
  const mute = button("Mute", `Mute ${name}`, flip(player.muted));
  const solo = button("Solo", `Solo ${name}`, flip(player.solo));
  const level = make("output", {});
  const preset = (kind) => () => player.preset(kind, voice);
  const strip = make(
    "div",
    { className: "voice" },
    make("span", { className: "name", textContent: name, title: name }),
    button("In front", `${name} in front`, preset("front")),
    button("Alone", `${name} alone`, preset("alone")),
    button("Without", `Without ${name}`, preset("without")),
    slider,
    level,
    mute,
    solo,
  );
  strip.style.setProperty("--colour", data.colours[voice]);
  find("voices").append(strip);
  return { slider, level, mute, solo };
});
find("all").onclick = () => player.preset("all");

// Tempo, loop, count-in

const tempi = data.tempos.map((tempo) => {
  const choose = button(`${tempo.percent} %`, `Tempo ${tempo.percent} %`, () =>
    player.setTempo(tempo.percent),
  );
  find("tempi").append(choose);
  return choose;
});

const numbers = data.bars.map((bar) => bar.number);
const [from, to, loops] = [find("loop-from"), find("loop-to"), find("loop")];
for (const field of [from, to]) {
  field.min = Math.min(...numbers);
  field.max = Math.max(...numbers);
}
[from.value, to.value] = [from.min, to.max];
function looped() {
  const first = data.bars.find((bar) => bar.number >= Number(from.value)) ?? data.bars[0];
  const last = data.bars.findLast((bar) => bar.number <= Number(to.value)) ?? data.bars.at(-1);
  const end = Math.max(last.end, first.end);
  player.setLoop(loops.checked ? { from: first.start, to: end } : null);
}
for (const field of [from, to, loops]) field.onchange = looped;
find("count-in").onchange = (event) => (player.countIn = event.target.checked);

// The transport

find("play").onclick = () => player.toggle();
find("stop").onclick = () => player.stop();
const position = find("position");
position.max = data.seconds;
position.oninput = () => player.seek(Number(position.value));
const bar = (place) => data.bars.findLast((each) => each.start <= place + 1e-6) ?? data.bars[0];

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input[type=number]")) return;
  const digit = /^[0-9]$/.test(event.key) ? Number(event.key) : null;
  if (event.key === " ") player.toggle();
  else if (event.key === "ArrowLeft") {
    player.seek(bar(Math.max(0, player.place - 0.5)).start);
  } else if (event.key === "ArrowRight") player.seek(bar(player.place).end);
  else if (digit === 0) player.preset("all");
  else if (digit !== null && digit <= data.voices.length) player.preset("front", digit - 1);
  else return;
  event.preventDefault();
});

// The cursor moves evenly between the starts of notes, within a system

let stops = []; // starts of notes: { second, x, system }, in pixels of the score

function measure() {
  const home = score.getBoundingClientRect();
  const systems = new Map();
  stops = [];
  for (const [second, id] of data.points) {
    const element = document.getElementById(id);
    const system = element?.closest(".system");
    if (!system) continue;
    if (!systems.has(system)) {
      const box = system.getBoundingClientRect();
      const staves = [...system.querySelectorAll(".staff")].map((s) => s.getBoundingClientRect());
      const top = Math.min(...staves.map((s) => s.top)) - home.top;
      const bottom = Math.max(...staves.map((s) => s.bottom)) - home.top;
      systems.set(system, { top, bottom, right: box.right - home.left });
    }
    const box = element.getBoundingClientRect();
    stops.push({ second, x: box.left - home.left + 4, system: systems.get(system) });
  }
}

function show() {
  const place = player.place;
  const index = stops.findLastIndex((stop) => stop.second <= place + 1e-6);
  const stop = stops[index] ?? stops[0];
  if (stop) {
    const next = stops[index + 1];
    const until = next?.second ?? data.seconds;
    const goal = next && next.system === stop.system ? next.x : stop.system.right;
    const share = Math.min(1, Math.max(0, (place - stop.second) / Math.max(1e-6, until - stop.second)));
    cursor.hidden = false;
    cursor.style.left = `${stop.x + share * (goal - stop.x)}px`;
    cursor.style.top = `${stop.system.top - 8}px`;
    cursor.style.height = `${stop.system.bottom - stop.system.top + 16}px`;
    follow(stop.system);
  }
  position.value = place;
  find("place").textContent = `bar ${bar(place).number} of ${numbers.at(-1)}`;
}

let followed = null;
function follow(system) {
  if (system === followed) return;
  followed = system;
  if (!player.playing) return;
  const top = score.getBoundingClientRect().top + system.top;
  const room = innerHeight - find("dock").offsetHeight;
  if (top < 0 || top + system.bottom - system.top > room) {
    scrollBy({ top: top - 24, behavior: "smooth" });
  }
}

score.onclick = (event) => {
  const home = score.getBoundingClientRect();
  const [x, y] = [event.clientX - home.left, event.clientY - home.top];
  const here = stops.filter((s) => y >= s.system.top - 20 && y <= s.system.bottom + 20);
  const chosen = here.findLast((stop) => stop.x <= x + 8) ?? here[0];
  if (chosen) player.seek(chosen.second);
};

function refresh() {
  find("play").textContent = player.playing ? "Pause" : "Play";
  strips.forEach(({ slider, level, mute, solo }, voice) => {
    const decibels = player.levels[voice];
    slider.value = decibels;
    level.textContent = decibels <= SILENT ? "off" : `${decibels} dB`.replace("-", "−");
    pressed(mute, player.muted.has(voice));
    pressed(solo, player.solo.has(voice));
  });
  tempi.forEach((each, index) => pressed(each, data.tempos[index] === player.tempo));
  for (const staff of score.querySelectorAll("g.staff[data-n]")) {
    const voice = Number(staff.dataset.n) - 1;
    staff.classList.toggle("front", player.front === voice && player.audible(voice));
    staff.classList.toggle("silent", !player.audible(voice));
    staff.style.setProperty("--colour", data.colours[voice]);
  }
  show();
}
player.onchange = refresh;

function frame() {
  player.check();
  if (player.playing) show();
  requestAnimationFrame(frame);
}

find("facts").textContent = data.facts;
new ResizeObserver(() => {
  measure();
  show();
}).observe(score);
measure();
refresh();
frame();

/** For tests: the root mean square of the output now. */
function level() {
  if (!player.meter) return 0;
  const samples = new Float32Array(player.meter.fftSize);
  player.meter.getFloatTimeDomainData(samples);
  return Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length);
}
window.practice = { player, data, level, stops: () => stops };
