/**
 * A magnifier for fingers, which hide what they are on: where one rests on the picture, the pixels around it are shown large
 * above it, and follow it freely until it is lifted.
 */

/** Before that, a finger may be on its way to scroll the page. */
const REST_MS = 300;

/** A finger that moves further is no resting one, in CSS pixels. */
const STILL = 10;

/** Pixels to each side of the one in the middle. */
const BESIDE = 2;

/** Pixels of the magnifier's own picture for one of the easel's. */
const SCALE = 32;

/** From the finger to the magnifier, in CSS pixels. */
const AWAY = 40;

/** Over the easel. */
export class Magnifier {
  #picture;
  #heat;
  #glass;
  #canvas;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Where the finger is, in the window. */
  #finger = { x: 0, y: 0 };

  /**
   * @param {HTMLCanvasElement} picture
   * @param {HTMLCanvasElement} heat   over it, where a view has one
   * @param {HTMLElement} glass
   * @param {() => void} onRest  the finger rests: the pixel is to be shown
   */
  constructor(picture, heat, glass, onRest) {
    this.#picture = picture;
    this.#heat = heat;
    this.#glass = glass;
    this.#canvas = /** @type {HTMLCanvasElement} */ (glass.querySelector('canvas'));
    const side = (2 * BESIDE + 1) * SCALE;
    Object.assign(this.#canvas, { width: side, height: side });
    picture.addEventListener('pointerdown', (event) => {
      this.#hide();
      if (event.pointerType !== 'touch' || !event.isPrimary) return;
      this.#finger = { x: event.clientX, y: event.clientY };
      this.#timer = setTimeout(() => {
        glass.hidden = false;
        onRest();
      }, REST_MS);
    });
    // Before the pixel is chosen, which is then shown at this place.
    picture.addEventListener('pointermove', ({ isPrimary, clientX: x, clientY: y }) => {
      if (!isPrimary) return;
      if (glass.hidden && Math.hypot(x - this.#finger.x, y - this.#finger.y) > STILL) clearTimeout(this.#timer);
      if (!glass.hidden) this.#finger = { x, y };
    }, { capture: true });
    for (const end of ['pointerup', 'pointercancel']) picture.addEventListener(end, () => this.#hide());
    // A finger that has rested neither scrolls the page nor opens a menu.
    picture.addEventListener('touchmove', (event) => this.#keepHere(event), { passive: false });
    picture.addEventListener('contextmenu', (event) => this.#keepHere(event));
  }

  /** @param {import('../pixel-cursor.js').Pixel} pixel  of the picture as it is shown now */
  show({ x, y }) {
    if (this.#glass.hidden) return;
    const [picture, heat, context] = [this.#picture, this.#heat, this.#canvas.getContext('2d')];
    if (!context) return;
    const shown = heat.hidden ? picture : heat;
    this.#canvas.toggleAttribute('data-ink', heat.hidden && picture.hasAttribute('data-ink'));
    const { width, height } = this.#canvas;
    context.clearRect(0, 0, width, height);
    context.imageSmoothingEnabled = false;
    const [across, down] = [shown.width / picture.width, shown.height / picture.height];
    const cells = 2 * BESIDE + 1;
    // What would lie beside the picture is left out.
    context.drawImage(shown, (x - BESIDE) * across, (y - BESIDE) * down, cells * across, cells * down, 0, 0, width, height);
    this.#place();
  }

  /** Above the finger; where there is no room, beside it. */
  #place() {
    const { offsetWidth: side, style, parentElement } = this.#glass;
    const frame = /** @type {HTMLElement} */ (parentElement).getBoundingClientRect();
    const { x, y } = this.#finger;
    const above = y - AWAY - side;
    const left = above >= 0 ? x - side / 2 : x > innerWidth / 2 ? x - AWAY - side : x + AWAY;
    style.left = `${Math.min(Math.max(left, 0), innerWidth - side) - frame.left}px`;
    style.top = `${Math.max(above, 0) - frame.top}px`;
  }

  #hide() {
    clearTimeout(this.#timer);
    this.#glass.hidden = true;
  }

  /** @param {Event} event */
  #keepHere(event) {
    if (!this.#glass.hidden && event.cancelable) event.preventDefault();
  }
}
