/** A video file (MP4, MOV, WebM, Matroska and what else mediabunny opens) to its frames, decoded by FFmpeg where they are asked for. */

import { closeSync } from "node:fs";
import type { VideoDecoder } from "@napi-rs/webcodecs";
import {
  ALL_FORMATS,
  CustomSource,
  EncodedPacketSink,
  Input,
  type InputVideoTrack,
  Logging,
  LogLevel,
  UnsupportedInputFormatError,
} from "mediabunny";
import type { Picture } from "../../runtime/conditions.ts";
import { MvcError, mvcError, reasonOf } from "../../runtime/errors.ts";
import { openRegular, readAt } from "../../runtime/node/regular-file.ts";
import type { Film } from "./film.ts";
import { matroskaEnd } from "./matroska-end.ts";
import { decodingOf, framesShown, type PacketTime } from "./packet-times.ts";
import { type Colours, requireKnown, type Turn, writeRgba } from "./yuv.ts";

type Codecs = typeof import("@napi-rs/webcodecs");
type DecoderConfig = Parameters<VideoDecoder["configure"]>[0];

/** The optional part that decodes. Throws MvcError `backend-missing`, which is no fault of any film. */
export async function videoCodecs(): Promise<Codecs> {
  try {
    return await import("@napi-rs/webcodecs");
  } catch (thrown) {
    throw mvcError("backend-missing", {
      backend: "the decoder of videos",
      reason: reasonOf(thrown),
      hint: "install it with `npm install @napi-rs/webcodecs`; GIFs and PNGs are read without it",
    });
  }
}

const damaged = (file: string, thrown: unknown) => {
  if (thrown instanceof MvcError) return thrown;
  const reason = reasonOf(thrown);
  const unknown = thrown instanceof UnsupportedInputFormatError ? "it is no video of a known kind" : undefined;
  // The library's own checks, of files that contradict themselves.
  const broken = /internal error|assertion/i.test(reason) ? "it is no video that can be read (damaged?)" : undefined;
  return mvcError("file-unreadable", {
    file,
    reason: unknown ?? broken ?? reason,
    way: "save it again, such as with `ffmpeg -i FILE -pix_fmt yuv420p NEW.mp4`",
  });
};

/** Opens it, and reads when each frame is shown. Throws MvcError `file-unreadable`, `file-missing`, `backend-missing`. */
export async function videoFilm(file: string): Promise<Film> {
  const codecs = await videoCodecs();
  Logging.level = LogLevel.Silent;
  const { descriptor, size } = openRegular(file, "the film");
  const input = new Input({
    formats: ALL_FORMATS,
    source: new CustomSource({
      getSize: () => size,
      read: (start, end) => {
        const bytes = new Uint8Array(end - start);
        return bytes.subarray(0, readAt(descriptor, bytes, start, file));
      },
    }),
  });
  const close = () => {
    input.dispose();
    closeSync(descriptor);
  };
  try {
    const head = new Uint8Array(256);
    const end = matroskaEnd(head.subarray(0, readAt(descriptor, head, 0, file))) ?? 0;
    if (end > size) throw new Error(`it has ${size} of the ${end} bytes that it is to have (cut short?)`);
    const track = await input.getPrimaryVideoTrack();
    if (track === null) throw new Error("it has no video in it that can be found (cut short?)");
    return { ...(await filmOf(codecs, file, input, track)), close };
  } catch (thrown) {
    close();
    throw damaged(file, thrown);
  }
}

async function filmOf(codecs: Codecs, file: string, input: Input, track: InputVideoTrack): Promise<Omit<Film, "close">> {
  const config = await track.getDecoderConfig();
  const decodes = config !== null && (await codecs.VideoDecoder.isConfigSupported(config as DecoderConfig)).supported;
  if (config === null || !decodes) throw new Error(`its video is ${await track.getInternalCodecId()}, which is not decoded`);
  const colours = await track.getColorSpace();
  requireKnown(colours);
  const packets = await packetTimes(track);
  const { places, shown } = framesShown(packets);
  await requireWhole(input, track, packets);
  const [rotation, flip] = [await track.getRotation(), await track.getFlip()];
  const aspect = await track.getPixelAspectRatio();
  const lying = rotation % 180 === 0;
  const ratio = aspect.num / aspect.den;
  return {
    width: await (lying ? track.getCodedWidth() : track.getCodedHeight()),
    height: await (lying ? track.getCodedHeight() : track.getCodedWidth()),
    aspect: lying ? ratio : 1 / ratio,
    count: places.length,
    shown,
    async *pictures(wanted) {
      const stream = { track, config, packets, turn: { rotation, flip }, colours };
      try {
        yield* decoded(
          codecs,
          stream,
          wanted.map((frame) => places[frame] ?? 0),
        );
      } catch (thrown) {
        throw damaged(file, thrown);
      }
    },
  };
}

/** In the order in which they are decoded. */
async function packetTimes(track: InputVideoTrack): Promise<readonly PacketTime[]> {
  const found: PacketTime[] = [];
  for await (const packet of new EncodedPacketSink(track).packets(undefined, undefined, { metadataOnly: true }))
    found.push({ start: packet.timestamp, end: packet.timestamp + packet.duration, key: packet.type === "key" });
  return found;
}

/** Frames of the table that lie beyond the file's end, or a length that the frames do not come to. */
async function requireWhole(input: Input, track: InputVideoTrack, packets: readonly PacketTime[]): Promise<void> {
  const last = packets.at(-1) as PacketTime;
  const packet = await new EncodedPacketSink(track).getPacket(last.start);
  if (packet === null || packet.data.length === 0) throw new Error("it ends before its last frame (cut short?)");
  const stated = await Promise.all((await input.getTracks()).map((one) => one.getDurationFromMetadata()));
  const end = await input.computeDuration();
  const most = stated.reduce<number>((sum, one) => Math.max(sum, one ?? 0), 0);
  // Tables of frames that are shown in another order than decoded count a frame or two more.
  const frame = (last.end - (packets[0]?.start ?? 0)) / packets.length;
  if (most - end > Math.max(0.5, 4 * frame))
    throw new Error(`it ends after ${end.toFixed(1)} of the ${most.toFixed(1)} seconds that it is to last (cut short?)`);
}

interface Stream {
  readonly track: InputVideoTrack;
  readonly config: VideoDecoderConfig;
  readonly packets: readonly PacketTime[];
  readonly turn: Turn;
  readonly colours: Colours;
}

/**
 * Frames of packets by their places, which ascend in the order in which they are shown. Decoders give frames in that order, but the one here
 * gives them the times of packets in the order of decoding: a frame is known by its number alone, so the count must come out even.
 */
async function* decoded(codecs: Codecs, stream: Stream, wanted: readonly number[]): AsyncGenerator<Picture> {
  const { track, packets } = stream;
  const asked = new Set<number | undefined>(wanted);
  const { from, until, due } = decodingOf(packets, wanted);
  const sink = new EncodedPacketSink(track);
  const start = from === 0 ? undefined : await sink.getKeyPacket(packets[from]?.start ?? 0);
  if (start === null || (start !== undefined && start.timestamp !== packets[from]?.start))
    throw new Error("its table of frames contradicts itself");
  const ready: VideoFrameOf[] = [];
  let failed: unknown;
  const decoder: VideoDecoder = new codecs.VideoDecoder({
    output: (frame) => ready.push(frame),
    error: (thrown) => {
      failed ??= thrown;
    },
  });
  let came = 0;
  const taken = async function* () {
    for (let frame = ready.shift(); frame !== undefined; frame = ready.shift()) {
      try {
        if (asked.has(due[came++])) yield await pictureOf(frame, stream);
      } finally {
        frame.close();
      }
    }
  };
  try {
    decoder.configure(stream.config as DecoderConfig);
    let fed = 0;
    for await (const packet of sink.packets(start)) {
      if (from + fed > until || failed !== undefined) break;
      const { type, microsecondTimestamp: timestamp, microsecondDuration: duration, data } = packet;
      decoder.decode(new codecs.EncodedVideoChunk({ type, timestamp, duration, data }));
      fed++;
      while (decoder.decodeQueueSize > 4 && failed === undefined) await new Promise(setImmediate);
      yield* taken();
    }
    if (failed === undefined) await decoder.flush();
    if (failed !== undefined) throw failed;
    yield* taken();
    if (came !== due.length) throw new Error(`${came} of ${due.length} frames in it could be decoded (damaged?)`);
  } catch (thrown) {
    throw failed ?? thrown;
  } finally {
    for (const frame of ready) frame.close();
    if (decoder.state !== "closed") decoder.close();
  }
}

type VideoFrameOf = InstanceType<Codecs["VideoFrame"]>;

async function pictureOf(frame: VideoFrameOf, { turn, colours }: Stream): Promise<Picture> {
  const { format, colorSpace } = frame;
  const { width, height } = frame.visibleRect ?? { width: frame.codedWidth, height: frame.codedHeight };
  const bytes = new Uint8Array(frame.allocationSize());
  const layout = await frame.copyTo(bytes);
  const data = new Uint8ClampedArray(width * height * 4);
  const { matrix = colorSpace.matrix, transfer = colorSpace.transfer, fullRange = colorSpace.fullRange } = colours;
  writeRgba({ format: String(format), width, height, bytes, layout }, { matrix, transfer, fullRange }, turn, data);
  return turn.rotation % 180 === 0 ? { width, height, data } : { width: height, height: width, data };
}
