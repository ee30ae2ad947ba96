/** Something that is done once, however often it is asked for in one turn of the page's script. */

/**
 * Two functions: one asks for it, the other takes that back.
 * @param {() => void} action
 */
export function onceATurn(action) {
  let isWanted = false;
  return {
    ask() {
      if (isWanted) return;
      isWanted = true;
      queueMicrotask(() => {
        if (!isWanted) return;
        isWanted = false;
        action();
      });
    },
    takeBack() {
      isWanted = false;
    },
  };
}
