/** `<pixel-rnn>` in templates of Vue: `import type {} from 'pixel-rnn/vue'`. Vue asks for `isCustomElement` besides. */

import type { HTMLAttributes, PublicProps } from 'vue';
import type { PixelRnnAttributes, PixelRnnEvents } from './attributes.js';
import type { PixelRnnElement } from './pixel-rnn.js';

/** Listeners as Vue names them: `@done` is `onDone`. */
type Listeners = { [Type in keyof PixelRnnEvents as `on${Capitalize<Type>}`]?: ((event: PixelRnnEvents[Type]) => void) | undefined };

/** A class, as Vue takes a component for one; a template's `ref` is the element. */
type InTemplates = new () => PixelRnnElement & {
  $props: PixelRnnAttributes & Listeners & Omit<HTMLAttributes, keyof PixelRnnAttributes | keyof Listeners> & PublicProps;
};

declare module 'vue' {
  interface GlobalComponents {
    'pixel-rnn': InTemplates;
  }
}
