// The examples for Node, run as their page says.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encodeGif } from "../../runtime/index.ts";
import { readGif } from "../runtime/media/read-gif.ts";
import { mvc } from "./mvc.ts";

const dimmer = `dim B = 1;
model Dimmer<H = 2, W = 4> {
  graph encode(picture: Tensor<float, [B, 3, H, W]>): Tensor<float, [B, 3, H, W]> { return picture * 0.5; }
  graph decode(latent: Tensor<float, [B, 3, H, W]>): Tensor<float, [B, 3, H, W]> { return latent * 1.5; }
}
`;

const colours = [
  [200, 100, 40],
  [80, 120, 160],
];

test("autoencode.js sends a GIF's frames through an autoencoder, one by one, and shows both side by side", async () => {
  const folder = mkdtempSync(join(tmpdir(), "mvc-example-"));
  const at = (name: string) => join(folder, name);
  try {
    writeFileSync(at("dimmer.mv"), dimmer);
    expect((await mvc(["build", at("dimmer.mv"), "--target", "onnx", "-o", at("package")])).code).toBe(0);
    const pixels = colours.flatMap((colour) => Array.from({ length: 8 }, () => [...colour, 255]).flat());
    writeFileSync(
      at("clip.gif"),
      encodeGif({ width: 4, height: 2, frameCount: 2, frames: Uint8ClampedArray.from(pixels) }, { fps: 4, scale: 1 }),
    );
    const args = ["examples/node/autoencode.js", at("package"), at("clip.gif"), at("both.gif")];
    const said = execFileSync(process.execPath, args, { encoding: "utf8" });
    // Three quarters of each colour: squares of 50, 25, 10 and of 20, 30, 40, against 255.
    expect(said).toContain("2 frames, PSNR 18.0 dB on average, 17.8 dB at worst");
    const both = readGif(readFileSync(at("both.gif")));
    expect([both.width, both.height, both.frames.map(({ delay }) => delay)]).toEqual([8, 2, [25, 25]]);
    for (const [i, colour] of colours.entries()) {
      const row = [colour, colour, colour, colour, ...Array.from({ length: 4 }, () => colour.map((value) => value * 0.75))];
      expect(both.frames[i]?.pixels).toEqual([...row, ...row].flat());
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
