// The page's entry.
import { render } from 'preact';
import { Console } from './live/console.ts';
import { App } from './views/app.tsx';

const place = document.getElementById('app');
if (place !== null) {
  const shown = new Console();
  render(<App of={shown} />, place);
  void shown.run();
}
