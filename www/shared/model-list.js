/** The list of the models on offer. */

import { fetchFile, mistaken } from './fetching.js';
import { modelUrl } from './models-folder.js';

/** @returns {Promise<{ models: import('../engine.js').ModelEntry[], sets: import('../engine.js').ModelSet[] }>} */
export async function fetchIndex() {
  const response = await fetchFile(modelUrl('index.json'), 'The list of models', { cache: 'no-cache' });
  const text = await response.text();
  const index = parsed(text);
  const other = mistaken(text);
  if (!Array.isArray(index?.models)) throw new Error(`The list of models, models/index.json, is damaged${other && `: ${other}`}.`);
  return { models: index.models, sets: Array.isArray(index.sets) ? index.sets : [] };
}

/** @param {string} json */
function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
