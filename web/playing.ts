/** A button to a timer: what moves plays and pauses, and does not begin by itself where the visitor wants little motion. */

export interface Playing {
  /** From now on, so many frames a second. */
  begin(perSecond: number): void;
  stop(): void;
}

/** `next` shows the next frame. */
export function createPlaying(toggle: HTMLButtonElement, next: () => void): Playing {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let pace = 1;
  let timer: number | undefined;
  const play = (on: boolean) => {
    clearInterval(timer);
    timer = on ? window.setInterval(next, 1000 / pace) : undefined;
    toggle.textContent = on ? "Pause" : "Play";
  };
  toggle.addEventListener("click", () => play(timer === undefined));
  return {
    begin: (perSecond) => {
      pace = perSecond;
      play(!calm.matches);
    },
    stop: () => play(false),
  };
}
