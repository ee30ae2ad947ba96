/**
 * `embed.html?seed=7&count=9&controls=none`: the element alone, for an iframe. Every attribute of the
 * element may be given in the query.
 */

import { ATTRIBUTES } from './shared/settings.js';

const element = document.querySelector('pixel-rnn');
for (const [name, value] of new URLSearchParams(location.search)) {
  if (ATTRIBUTES.includes(name)) element?.setAttribute(name, value);
}
// Defined last, so that it starts with the attributes it is meant to have.
await import('./pixel-rnn.js');
