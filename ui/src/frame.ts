/**
 * Milliseconds after which what waits for a frame is done without one. A page that is hidden gets none, nor does one whose window is
 * behind others: drawn once a second it is what it should be when it is looked at.
 */
const PATIENCE = 1_000;

/** Runs `task` when the page is drawn next, and soon if it is not. */
export function atNextFrame(task: () => void): void {
  const run = () => {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
    task();
  };
  const timer = setTimeout(run, PATIENCE);
  const frame = requestAnimationFrame(run);
}
