/** Where things are on the screen, for what is done or looked at there. */

const MOST_TRIES = 50;

/**
 * An element's place once it is in sight and nothing moves it any more: sections are laid out only as they come near, which
 * moves what lies below them, and the mouse or a picture of the screen would be late.
 * @param {import('playwright-core').Locator} locator
 * @returns {Promise<{ x: number, y: number, width: number, height: number }>}
 */
export async function boxInSight(locator) {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    await locator.scrollIntoViewIfNeeded();
    const [before, after, inSight] = await locator.evaluate(async (element) => {
      const place = () => {
        const { x, y, width, height } = element.getBoundingClientRect();
        return { x, y, width, height };
      };
      const before = place();
      // What comes near is told at the end of one frame, and laid out in the next.
      for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
      const after = place();
      return [before, after, after.y < innerHeight && after.y + after.height > 0];
    });
    if (inSight && samePlace(before, after)) return after;
  }
  throw new Error(`${locator} does not come to rest in sight`);
}

/**
 * What is seen of an element that stays where it is while it is looked at.
 * @template Seen
 * @param {import('playwright-core').Locator} locator
 * @param {(box: { x: number, y: number, width: number, height: number }) => Promise<Seen>} look
 */
export async function seenInPlace(locator, look) {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const box = await boxInSight(locator);
    const seen = await look(box);
    if (samePlace(box, await boxInSight(locator))) return seen;
  }
  throw new Error(`${locator} moves whenever it is looked at`);
}

/** @param {object} one  @param {object} other */
function samePlace(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}
