/** What `<pixel-rnn>` takes in the templates of frameworks. */

import type { PixelRnnElement, PixelRnnEventMap } from './pixel-rnn.js';

type Settings = 'model' | 'src' | 'seed' | 'first' | 'count' | 'temperature' | 'topK' | 'topP' | 'backend' | 'controls' | 'pace' | 'loading';

/** Settings as the properties of the same names take them, or as text. */
export type PixelRnnAttributes = { [Name in Settings]?: PixelRnnElement[Name] | Written<Name> };

/** What may be written in place of a property's own type: numbers for the seed, arrays that stay as they are, text for every number, nothing for the default. */
type Written<Name extends Settings> =
  | (Name extends 'seed' ? number : never)
  | (Name extends 'temperature' ? readonly number[] : never)
  | (Name extends 'src' ? URL : never)
  | (Name extends 'seed' | 'first' | 'count' | 'temperature' | 'topK' | 'topP' ? string : never)
  | null
  | undefined;

/** What it tells itself. */
export type PixelRnnEvents = Pick<PixelRnnEventMap, 'ready' | 'start' | 'progress' | 'row' | 'done' | 'failed' | 'change' | 'pick'>;

/** Listeners of its events as properties: `ondone`. */
export type PixelRnnListeners = { [Type in keyof PixelRnnEvents as `on${Type}`]?: ((event: PixelRnnEvents[Type]) => void) | undefined };
