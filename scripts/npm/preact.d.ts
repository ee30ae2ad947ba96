/** `<pixel-rnn>` in JSX of Preact: `import type {} from 'pixel-rnn/preact'`. */

import type { HTMLAttributes } from 'preact';
import type { PixelRnnAttributes, PixelRnnListeners } from './attributes.js';
import type { PixelRnnElement } from './pixel-rnn.js';

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      'pixel-rnn': Omit<HTMLAttributes<PixelRnnElement>, keyof PixelRnnAttributes | keyof PixelRnnListeners> & PixelRnnAttributes & PixelRnnListeners;
    }
  }
}
