/**
 * The ways in which a visitor brings files: dropped onto a section that takes some, pasted, or chosen. What is pasted goes to the
 * section that is seen most.
 */

/** What a browser hands over where a picture is dragged out of another page. */
const NO_FILE = 'What was dropped is an address or a text and no file; save the picture first, then drop the file.';

/**
 * @typedef {object} IntakeActions
 * @property {(files: File[]) => void} onFiles     at least one
 * @property {(sentence: string) => void} onRefused  what was dropped is no file
 */

/** The sections of this page. @type {FileIntake[]} */
const places = [];

/** Takes the files of a section. */
export class FileIntake {
  section;
  actions;

  /**
   * @param {HTMLElement} section  that files may be dropped on
   * @param {HTMLInputElement} input
   * @param {IntakeActions} actions
   */
  constructor(section, input, actions) {
    this.section = section;
    this.actions = actions;
    input.addEventListener('change', () => {
      const files = [...(input.files ?? [])];
      // So that the same files may be chosen again.
      input.value = '';
      if (files.length) actions.onFiles(files);
    });
    places.push(this);
    if (places.length === 1) listen();
  }
}

/** Once for all sections: a file dropped beside them must not make the browser leave the page, nor an address dropped on one. */
function listen() {
  const isOurs = (/** @type {DragEvent} */ event) => placeOf(event) || event.dataTransfer?.types.includes('Files');
  const mark = (/** @type {FileIntake | undefined} */ over) => {
    for (const place of places) place.section.classList.toggle('drop', place === over);
  };
  document.addEventListener('paste', ({ clipboardData }) => {
    const files = [...(clipboardData?.files ?? [])];
    if (!files.length) return;
    const place = seenMost();
    place.section.scrollIntoView({ block: 'nearest' });
    place.actions.onFiles(files);
  });
  addEventListener('dragover', (event) => {
    const { dataTransfer } = event;
    if (!dataTransfer || !isOurs(event)) return;
    event.preventDefault();
    const over = placeOf(event);
    dataTransfer.dropEffect = over ? 'copy' : 'none';
    mark(over);
  });
  addEventListener('dragleave', ({ relatedTarget }) => relatedTarget ?? mark(undefined));
  addEventListener('drop', (event) => {
    mark(undefined);
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!isOurs(event)) return;
    event.preventDefault();
    const over = placeOf(event);
    if (files.length) over?.actions.onFiles(files);
    else over?.actions.onRefused(NO_FILE);
  });
}

/** @param {DragEvent} event */
function placeOf({ target }) {
  return places.find(({ section }) => target instanceof Node && section.contains(target));
}

/** The section that fills most of the window; the first one where none is in it. */
function seenMost() {
  const seen = (/** @type {FileIntake} */ { section }) => {
    const { top, bottom } = section.getBoundingClientRect();
    return Math.max(0, Math.min(bottom, innerHeight) - Math.max(top, 0));
  };
  return places.reduce((most, place) => (seen(place) > seen(most) ? place : most));
}
