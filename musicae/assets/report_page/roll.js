// Piano rolls in systems of whole bars, with the same line breaks in all alternatives.

const PX_PER_STEP = 7; // the least, unless a bar would be wider than the window
const GUTTER = 30; // left of a system, for the names of octaves
const HEADER = 30; // above it, for bar numbers
const ROW = 6.5; // a semitone
const LANE = 17; // a line of Roman numerals
const GAP = 1.6; // between a note and the next one of its voice
const BARS_A_SYSTEM = [16, 12, 8, 6, 4, 3, 2, 1];
const UNISON = 2.2; // a lower voice extends below a higher one on the same pitch by this

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The lowest and highest pitch of all alternatives, so that all have the same scale. */
const [LOWEST, HIGHEST] = PIECES.flatMap((piece) => piece.notes).reduce(
  ([low, high], { pitch }) => [Math.min(low, pitch), Math.max(high, pitch)], [127, 0]);
const DEPTH = Math.max(1, HIGHEST - LOWEST + 1) * ROW;

const lengthOf = (bars) => bars.reduce((sum, bar) => sum + bar.length, 0);

/** Divide bars into as few systems as the width allows, of equal length. A pickup is in the first. */
function systemsOf(bars, width) {
  const room = Math.floor((width - GUTTER) / PX_PER_STEP);
  const pickup = bars[0].number === 0 ? 1 : 0;
  const groups = (count) => {
    const found = [];
    for (let i = 0; i < bars.length; i += found.length === 1 ? count + pickup : count) {
      found.push(bars.slice(i, i + count + (i === 0 ? pickup : 0)));
    }
    return found;
  };
  const fits = (count) => groups(count).every((group) => lengthOf(group) <= room);
  const most = BARS_A_SYSTEM.find(fits) ?? 1;
  // The smallest count of bars with as few systems makes their lengths the most equal.
  const alike = BARS_A_SYSTEM.findLast((count) => groups(count).length === groups(most).length);
  return groups(alike);
}

const pen = document.createElement("canvas").getContext("2d");

function widthOf(text, font) {
  pen.font = font;
  return pen.measureText(text).width;
}

/** A Roman numeral such as V65/V, with its figures one above the other. */
function numeral(label, left, y) {
  const serif = getComputedStyle(document.documentElement).getPropertyValue("--serif");
  const [letters, digits] = [`12.5px ${serif}`, `8.5px ${serif}`];
  const [, root, figures, rest] = label.match(/^([^0-9]*)([0-9]*)(.*)$/);
  // "ab: i" and "bVI" have flats; "b: i" is B minor.
  const flats = root.replace(/([a-gA-G])b:/, "$1♭:").replace(/b(?=[IVi])/g, "♭");
  const name = flats.replace(/#/g, "♯").replace(/o$/, "°");
  const raised = left + widthOf(name, letters) + 0.5;
  const after = raised + Math.max(0, ...[...figures].map((figure) => widthOf(figure, digits)));
  const stack = [...figures].map((figure, i) => svg("tspan",
    { class: "figure", x: raised, y: y - 5 + 7.5 * i }, figure));
  const mark = svg("text", { class: "numeral", x: left, y }, name, ...stack,
    svg("tspan", { x: after + 0.5, y }, rest));
  return { mark, width: after - left + widthOf(rest, letters) };
}

class Roll {
  constructor(piece, container, player) {
    this.piece = piece;
    this.container = container;
    this.player = player;
    this.now = [];
    this.step = -1;
    this.playhead = svg("g", { class: "playhead" },
      svg("path", { d: `M-4 ${HEADER - 9}h8l-4 6z` }),
      svg("path", { d: `M0 ${HEADER - 6}V${HEADER + DEPTH + 4}`, class: "line" }));
  }

  /** Draw for a width in pixels. */
  draw(width) {
    const systems = systemsOf(this.piece.bars, width);
    const longest = Math.max(...systems.map(lengthOf));
    this.px = Math.min((width - GUTTER - 1) / longest, 3 * PX_PER_STEP);
    this.boxes = this.piece.notes.map(() => []);
    this.systems = systems.map((bars) => this.drawSystem(bars, width));
    this.container.replaceChildren(...this.systems.map((system) => system.element));
    this.step = -1;
    this.follow();
  }

  drawSystem(bars, width) {
    const start = bars[0].start;
    const stop = bars.at(-1).start + bars.at(-1).length;
    const x = (step) => GUTTER + (step - start) * this.px;
    const lanes = this.piece.labels.length ? 2 : 0;
    const height = HEADER + DEPTH + 6 + lanes * LANE;
    const wide = x(stop) + 1;
    const loop = svg("path", { class: "loop" });
    const drawing = svg("svg", { viewBox: `0 0 ${wide} ${height}`, "aria-hidden": "true" });
    drawing.style.width = `${(100 * wide) / Math.max(wide, width)}%`;
    drawing.append(
      ...this.grid(bars, x, wide),
      ...this.notesBetween(start, stop, x),
      ...this.fermatas(start, stop, x),
      ...this.numerals(start, stop, x),
      loop,
    );
    const element = document.createElement("div");
    element.className = "system";
    element.append(drawing);
    return { element, drawing, loop, start, stop, x };
  }

  y(pitch) {
    return HEADER + (HIGHEST - pitch) * ROW;
  }

  grid(bars, x, wide) {
    const marks = [];
    const bottom = HEADER + DEPTH;
    for (let c = 12 * Math.ceil(LOWEST / 12); c <= HIGHEST; c += 12) {
      const at = this.y(c) + ROW / 2;
      marks.push(svg("path", { class: "octave", d: `M${GUTTER} ${at}H${wide}` }),
        svg("text", { class: "pitch", x: GUTTER - 7, y: at + 3.5 }, `C${c / 12 - 1}`));
    }
    for (const bar of bars) {
      const end = bar.start + bar.length;
      // In an incomplete bar, beats are counted from its end, because a pickup is the end of a bar.
      const beats = bar.missing ? end : bar.start;
      for (let step = bar.start; step < end; step++) {
        const beat = Math.abs((step - beats) / bar.beat) % 1 === 0;
        if (beat && step > bar.start) {
          marks.push(svg("path", { class: "beat", d: `M${x(step)} ${HEADER}V${bottom}` }));
        }
      }
      marks.push(svg("path", { class: "bar", d: `M${x(bar.start)} ${HEADER - 4}V${bottom + 4}` }));
      if (bar.number) {
        marks.push(svg("text", { class: "number", x: x(bar.start) + 3, y: HEADER - 13 }, bar.number));
      }
    }
    const last = bars.at(-1);
    const right = x(last.start + last.length);
    marks.push(svg("path", { class: "bar", d: `M${right} ${HEADER - 4}V${bottom + 4}` }));
    return marks;
  }

  notesBetween(start, stop, x) {
    const boxes = [];
    const rings = [];
    // From the bass up: if voices have the same pitch, the lower one is drawn below.
    [...this.piece.notes.entries()].reverse().forEach(([index, note]) => {
      const from = Math.max(note.step, start);
      const until = Math.min(note.step + note.duration, stop);
      if (from >= until) return;
      const box = {
        x: x(from) + 0.5,
        y: this.y(note.pitch) + 0.3 + UNISON * this.voicesAbove(note),
        width: Math.max(1.5, (until - from) * this.px - GAP),
        height: ROW - 0.6,
      };
      const held = from > note.step ? " held" : "";
      const given = note.given ? " given" : "";
      const inset = note.given ? 0.6 : 0; // room for the border
      const drawn = svg("rect", {
        class: `note${given}${held}`, rx: 1.5, "data-voice": note.voice, "data-note": index,
        x: box.x + inset, y: box.y + inset,
        width: Math.max(0.5, box.width - 2 * inset), height: Math.max(0.5, box.height - 2 * inset),
      });
      boxes.push(drawn);
      this.boxes[index].push(drawn);
      if (note.violations.length) {
        const ring = svg("rect", {
          class: "ring", rx: 3.5, "data-note": index,
          x: box.x - 2, y: box.y - 2, width: box.width + 4, height: box.height + 4,
        });
        rings.push(ring);
        this.boxes[index].push(ring);
      }
    });
    return [...boxes, ...rings];
  }

  /** The number of higher voices that have a note's pitch while it sounds. */
  voicesAbove(note) {
    let most = 0;
    for (let step = note.step; step < note.step + note.duration; step++) {
      const higher = this.piece.notesAt(step).filter((other) =>
        other.voice < note.voice && other.pitch === note.pitch);
      most = Math.max(most, higher.length);
    }
    return most;
  }

  fermatas(start, stop, x) {
    return this.piece.fermatas.filter((step) => start <= step && step < stop).map((step) => {
      const note = this.piece.noteAt(step, 0);
      const middle = x(step) + (Math.min(note.duration, stop - step) * this.px - GAP) / 2;
      const top = this.y(note.pitch) - 4;
      return svg("g", { class: "fermata", transform: `translate(${middle} ${top})` },
        svg("path", { d: "M-6 0a6 6 0 0 1 12 0" }), svg("circle", { cy: -1, r: 1.2 }));
    });
  }

  numerals(start, stop, x) {
    const ends = [0, 0];
    const marks = [];
    for (const [step, label] of this.piece.labels) {
      if (step < start || step >= stop) continue;
      const left = x(step) + 1;
      // A numeral that would overlap its neighbour goes to the second line.
      const lane = left >= ends[0] || ends[0] <= ends[1] ? 0 : 1;
      const y = HEADER + DEPTH + 18 + lane * LANE;
      const { mark, width } = numeral(label, left, y);
      ends[lane] = left + width + 3;
      marks.push(mark);
    }
    return marks;
  }

  systemAt(step) {
    return this.systems.find((system) => step < system.stop) ?? this.systems.at(-1);
  }

  /** The place in steps under a point of the window. */
  placeUnder(event) {
    const system = this.systems.find(({ element }) => element.contains(event.target));
    if (!system) return null;
    const box = system.drawing.getBoundingClientRect();
    const scale = system.drawing.viewBox.baseVal.width / box.width;
    const step = system.start + ((event.clientX - box.left) * scale - GUTTER) / this.px;
    return step < system.stop ? Math.max(system.start, step) : null;
  }

  /** Move the playhead to the player's place, and highlight the notes that sound. */
  follow() {
    const here = this.player.piece === this.piece;
    if (!here) {
      this.playhead.remove();
      this.light(-1);
      return null;
    }
    const place = Math.min(this.player.place, this.piece.steps - 1e-6);
    const system = this.systemAt(place);
    if (this.playhead.parentNode !== system.drawing) system.drawing.append(this.playhead);
    this.playhead.setAttribute("transform", `translate(${system.x(place)} 0)`);
    this.light(this.player.playing ? Math.floor(place) : -1);
    return system;
  }

  /** Draw a bracket above the bars of the loop. */
  bracket(loop) {
    for (const system of this.systems) {
      const from = Math.max(system.start, loop?.from ?? Infinity);
      const to = Math.min(system.stop, loop?.to ?? -Infinity);
      const line = `M${system.x(from)} ${HEADER - 4}H${system.x(to)}`;
      system.loop.setAttribute("d", from < to ? line : "");
    }
  }

  light(step) {
    if (step === this.step) return;
    this.step = step;
    for (const box of this.now) box.classList.remove("now");
    this.now = step < 0 ? [] : this.piece.notesAt(step).flatMap((note) =>
      this.boxes[this.piece.sounding[step * VOICES.length + note.voice]]);
    for (const box of this.now) box.classList.add("now");
  }

  /** Highlight the notes of a violation; null highlights none. */
  pick(violation) {
    for (const box of this.container.querySelectorAll(".picked")) box.classList.remove("picked");
    for (const note of violation?.notes ?? []) {
      for (const box of this.boxes[this.piece.notes.indexOf(note)]) box.classList.add("picked");
    }
  }
}
