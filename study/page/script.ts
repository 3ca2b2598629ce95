/** What moves a report's clips: plain JavaScript that the page has within it. */

export const script = `
const player = document.getElementById("player");
if (player) {
  const [frame, step, prompt, play] = ["frame", "step", "prompt", "play"].map((id) => document.getElementById(id));
  const frames = Number(player.dataset.frames);
  const show = (at) => {
    frame.value = at;
    player.style.setProperty("--frame", at);
    document.getElementById("frame-shown").textContent = at + 1 + " of " + frames;
  };
  let timer;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  };
  const start = () => {
    timer = setInterval(() => show((Number(frame.value) + 1) % frames), 160);
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
  };
  play.addEventListener("click", () => (timer === undefined ? start() : stop()));
  frame.addEventListener("input", () => {
    stop();
    show(Number(frame.value));
  });
  prompt.addEventListener("change", () => player.style.setProperty("--row", prompt.value));
  step?.addEventListener("input", () => {
    const steps = step.dataset.steps.split(",").map(Number);
    const wanted = steps[Number(step.value)];
    document.getElementById("step-shown").textContent = wanted.toLocaleString("en");
    for (const screen of player.querySelectorAll(".screen")) {
      const images = [...screen.querySelectorAll("img")];
      // What took its training from another variant has only the end of it.
      const chosen = images.find((image) => Number(image.dataset.step) >= wanted) ?? images.at(-1);
      for (const image of images) image.hidden = image !== chosen;
    }
  });
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) start();
}
`;
