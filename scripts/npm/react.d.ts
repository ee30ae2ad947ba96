/** `<pixel-rnn>` in JSX of React 19: `import type {} from 'pixel-rnn/react'`. */

import type { DetailedHTMLProps, HTMLAttributes } from 'react';
import type { PixelRnnAttributes, PixelRnnListeners } from './attributes.js';
import type { PixelRnnElement } from './pixel-rnn.js';

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'pixel-rnn': DetailedHTMLProps<HTMLAttributes<PixelRnnElement>, PixelRnnElement> & PixelRnnAttributes & PixelRnnListeners;
    }
  }
}
