/**
 * The settings of `<pixel-rnn>`: properties that mirror attributes of the same names.
 */

import { attributeText } from './properties.js';
import { defaultPace } from '../shared/reveal.js';
import * as read from '../shared/settings.js';

const Base = globalThis.HTMLElement ?? /** @type {typeof HTMLElement} */ (class {});

/** An element with these settings. */
export class SettingsElement extends Base {
  static observedAttributes = read.ATTRIBUTES;

  /** A name in `models/index.json`, or of a network that the engine has opened; ignored where there is a `src`. Without it, the first one of the list. @attr @reflect @type {string} */
  get model() {
    return this.getAttribute('model') ?? '';
  }
  set model(name) {
    this.#set('model', name);
  }

  /** Address of a `.safetensors` made by `pixelrnn train`, relative to the document, on the page's own site or on one that sends `Access-Control-Allow-Origin`. @attr @reflect @type {string} */
  get src() {
    return this.getAttribute('src') ?? '';
  }
  set src(address) {
    this.#set('src', address);
  }

  /** What is drawn, 0 to 2⁶⁴ − 1: the same seed gives the same picture everywhere. @attr @reflect @default 7 @type {bigint} */
  get seed() {
    return read.readSeed(this.getAttribute('seed'));
  }
  set seed(seed) {
    this.#set('seed', seed);
  }

  /** Number of the first image of the seed: image k of a seed is the same in any grid. @attr @reflect @default 0 @type {number} */
  get first() {
    return read.readFirst(this.getAttribute('first'));
  }
  set first(first) {
    this.#set('first', first);
  }

  /** Images in the grid, 1 to 1,024. @attr @reflect @default 16 @type {number} */
  get count() {
    return read.readCount(this.getAttribute('count'));
  }
  set count(count) {
    this.#set('count', count);
  }

  /** 0.1 to 2; below 1 the likely is drawn more often. Of a network of several scales there may be one each, smallest image first: `0.8,1`. @attr @reflect @default 1 @type {number | number[]} */
  get temperature() {
    return read.readTemperatures(this.getAttribute('temperature'));
  }
  set temperature(temperature) {
    this.#set('temperature', temperature);
  }

  /**
   * Of how many likeliest levels a value is drawn, 1 to those it can have; all without it. The property is `topK`.
   * @attr top-k
   * @reflect
   * @default null
   * @type {number | null}
   */
  get topK() {
    return read.readTopK(this.getAttribute('top-k'));
  }
  set topK(topK) {
    this.#set('top-k', topK);
  }

  /**
   * 0.001 to 1: a value is drawn of the fewest likeliest levels that have this share of the probability, or of that of the `top-k` likeliest. The property is `topP`.
   * @attr top-p
   * @reflect
   * @default 1
   * @type {number}
   */
  get topP() {
    return read.readTopP(this.getAttribute('top-p'));
  }
  set topP(topP) {
    this.#set('top-p', topP);
  }

  /** Where it is drawn; `auto`: on what is faster. @attr @reflect @default 'auto' @type {'auto' | 'gpu' | 'cpu'} */
  get backend() {
    return read.readBackend(this.getAttribute('backend'));
  }
  set backend(backend) {
    this.#set('backend', backend);
  }

  /** What the visitor is given: all controls, the button that draws and stops, or none. @attr @reflect @default 'full' @type {'full' | 'min' | 'none'} */
  get controls() {
    return read.readChoice(this.getAttribute('controls'), /** @type {const} */ (['full', 'min', 'none']), 'full');
  }
  set controls(controls) {
    this.#set('controls', controls);
  }

  /** How fast rows are shown; `instant` without it for those who asked for less motion. @attr @reflect @default 'steady' @type {'slow' | 'steady' | 'instant'} */
  get pace() {
    return read.readChoice(this.getAttribute('pace'), read.PACE_NAMES, defaultPace());
  }
  set pace(pace) {
    this.#set('pace', pace);
  }

  /** When it is fetched and drawn: `lazy`, fetched when it is within 400 px of the window and drawn when it is in sight; `eager`, at once; `manual`, at a click on a button that says how much is fetched, uncompressed. @attr @reflect @default 'lazy' @type {'lazy' | 'eager' | 'manual'} */
  get loading() {
    return read.readChoice(this.getAttribute('loading'), /** @type {const} */ (['lazy', 'eager', 'manual']), 'lazy');
  }
  set loading(loading) {
    this.#set('loading', loading);
  }

  /**
   * @param {string} name
   * @param {unknown} value
   */
  #set(name, value) {
    const text = attributeText(name, value);
    if (text === null) this.removeAttribute(name);
    else this.setAttribute(name, text);
  }
}
