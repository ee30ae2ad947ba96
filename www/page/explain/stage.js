/**
 * Figures that move take turns: one at a time, only while somebody can look at it, and with a rest after each turn.
 */

import { onSight, wantsStill } from '../in-sight.js';

/** How much of a figure must be in sight. */
const SHARE = 0.6;

/** After a turn, in which the figure shows its end. */
const REST_MS = 2_000;

/**
 * A figure is a function of time: what it shows at a part of its turn, from 0 to 1. At 1 it is complete, as it is without
 * motion too.
 * @typedef {object} Motion
 * @property {number} ms  that a turn takes
 * @property {(part: number) => void} show
 */

/**
 * @typedef {Motion & { inSight: boolean, handled: boolean, lastTurn: number }} Figure
 */

/** @type {Figure[]} */
const figures = [];
/** @type {{ figure: Figure, end: () => void } | null} */
let playing = null;
let turns = 0;
let holds = 0;

/**
 * Lets a figure move in its turn.
 * @param {Element} element
 * @param {Motion} motion
 */
export function takeTurns(element, motion) {
  /** @type {Figure} */
  const figure = { ...motion, inSight: false, handled: false, lastTurn: 0 };
  figures.push(figure);
  motion.show(1);
  onSight(element, SHARE, (inSight) => {
    figure.inSight = inSight;
    if (inSight) return next();
    figure.handled = false;
    if (playing?.figure === figure) playing.end();
  });
  return {
    /** A visitor has taken it in hand: it stays as it is put, until it has been out of sight. */
    hold() {
      figure.handled = true;
      if (playing?.figure === figure) playing.end();
    },
    /** It has something new to show: its turn is now, if it is in sight. */
    again() {
      figure.handled = false;
      figure.lastTurn = -++turns;
      motion.show(1);
      playing?.end();
      next();
    },
  };
}

/** Keeps every figure still, for something else that moves. Gives a function that ends this. */
export function holdStage() {
  holds += 1;
  playing?.end();
  return () => {
    holds -= 1;
    next();
  };
}

/** Begins the turn of the figure that has waited longest. */
function next() {
  if (playing || holds || wantsStill()) return;
  const waiting = figures.filter(({ inSight, handled }) => inSight && !handled);
  if (waiting.length) play(waiting.reduce((one, other) => (other.lastTurn < one.lastTurn ? other : one)));
}

/** @param {Figure} figure */
function play(figure) {
  figure.lastTurn = ++turns;
  let frame = 0;
  let part = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let rest;
  const turn = {
    figure,
    end: () => {
      cancelAnimationFrame(frame);
      clearTimeout(rest);
      if (playing !== turn) return;
      playing = null;
      // One that a visitor holds shows what the visitor wants.
      if (!figure.handled && part < 1) figure.show(1);
      next();
    },
  };
  playing = turn;
  const start = performance.now();
  const step = () => {
    part = Math.min(1, (performance.now() - start) / figure.ms);
    figure.show(part);
    if (part < 1) frame = requestAnimationFrame(step);
    else rest = setTimeout(turn.end, REST_MS);
  };
  step();
}
