// Keys that work everywhere on the page; those of tokens and fields are with them.

import type { App } from './app.js';
import type { Actions } from './page/shown.js';
import type { State } from './state.js';

export function keyboard(app: App, actions: Actions): void {
  addEventListener('keydown', (event) => {
    if (event.key === 'Escape') release(app);
    else if (isTyping(event.target)) return;
    else if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === 'z') {
      event.preventDefault();
      actions.undo();
    } else if (event.key === '?') app.show({ help: true });
  });
  addEventListener('pointerdown', (event) => {
    if (event.target instanceof Element && event.target.closest('.menu') === null && app.ui.menu !== undefined) {
      app.show({ menu: undefined });
    }
  });
}

/** Closes what is open, one thing at a time; then releases the chosen token. */
function release(app: App): void {
  if (app.ui.help) return;
  if (app.ui.menu !== undefined) app.show({ menu: undefined });
  else if (app.ui.sheet) app.show({ sheet: false });
  else if (showsExpert(app.store.state)) app.store.set({ expert: undefined });
  else {
    app.show({ hover: undefined });
    app.store.set({ token: undefined });
    app.vision.release();
  }
}

function showsExpert({ expert, tab }: State): boolean {
  return expert !== undefined && (tab === 'language' || tab === 'lessons');
}

/** Text fields keep their own undo and their question marks. */
function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLTextAreaElement) return true;
  return target instanceof HTMLInputElement && ['text', 'number', 'search', 'url'].includes(target.type);
}
