/**
 * Whether somebody can look at a part of the page: things that move do so only then.
 */

/** In steps, because a share of a part that is higher than the window is never in sight at once. */
const STEPS = Array.from({ length: 21 }, (_, at) => at / 20);

/**
 * Tells when a share of the element comes into sight, or as large a share of the window is filled by it, and when that
 * ends. Nobody looks at a hidden tab.
 * @param {Element} element
 * @param {number} share  0 to 1
 * @param {(inSight: boolean) => void} told
 */
export function onSight(element, share, told) {
  let near = false;
  let was = false;
  const tell = () => {
    const is = near && !document.hidden;
    if (is === was) return;
    was = is;
    told(is);
  };
  new IntersectionObserver((entries) => {
    const { isIntersecting, intersectionRatio, intersectionRect } = entries[entries.length - 1];
    near = isIntersecting && (intersectionRatio >= share || intersectionRect.height >= share * innerHeight);
    tell();
  }, { threshold: STEPS }).observe(element);
  document.addEventListener('visibilitychange', tell);
}

/** Whether the visitor's system asks for less motion. */
export function wantsStill() {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
