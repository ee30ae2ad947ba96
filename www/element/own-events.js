/**
 * Events of the element's controls that are nobody else's business: the page around it may turn a leaf on an arrow or search on a
 * letter, for it sees only that "the element" was meant. Pages that listen while events come down (`capture`) hear them all the
 * same: no element can prevent that.
 */

const WALK = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'];
const PRESS = ['Enter', ' '];

/** Keys with a meaning to a control, by its `type`. @type {Record<string, readonly string[]>} */
const KEYS = Object.freeze({
  text: [...WALK, 'Backspace', 'Delete', 'Enter'],
  range: [...WALK, 'PageUp', 'PageDown'],
  'select-one': [...WALK, 'PageUp', 'PageDown', ...PRESS],
  button: PRESS,
  submit: PRESS,
});

/** Controls that characters are typed into: a list goes to the choice that begins with them. */
const TYPED = ['text', 'select-one'];

/**
 * Keeps the keys that the controls use, and what would look like the input of a field to a form around the element.
 * @param {ShadowRoot} root
 */
export function keepOwnEvents(root) {
  /** Keys that are down, by their place on the keyboard. @type {Set<string>} */
  const kept = new Set();
  root.addEventListener('keydown', (event) => {
    const key = /** @type {KeyboardEvent} */ (event);
    if (!key.defaultPrevented && !isUsed(key)) return void kept.delete(key.code);
    kept.add(key.code);
    key.stopPropagation();
  });
  // Some pages listen to these; they go where the key went.
  for (const type of ['keypress', 'keyup']) {
    root.addEventListener(type, (event) => {
      if (kept.has(/** @type {KeyboardEvent} */ (event).code)) event.stopPropagation();
    });
  }
  for (const type of ['beforeinput', 'input']) root.addEventListener(type, (event) => event.stopPropagation());
}

/**
 * Whether the control with the focus has a use for a key. What is pressed with Ctrl or the command key is the page's or the
 * browser's; a character written with AltGr, which some systems call Ctrl and Alt, is not.
 * @param {KeyboardEvent} event
 */
function isUsed(event) {
  const { type, disabled } = /** @type {Partial<HTMLInputElement>} */ (event.target);
  if (type === undefined || disabled || ((event.ctrlKey || event.metaKey) && !event.getModifierState('AltGraph'))) return false;
  const isTyped = event.isComposing || event.key.length === 1;
  return Boolean(KEYS[type]?.includes(event.key)) || (isTyped && TYPED.includes(type));
}
