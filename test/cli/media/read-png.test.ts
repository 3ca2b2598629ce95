/** Pictures of few bits, as paint programs save masks; the files are Python's zlib's and struct's, by the PNG specification. */

import { expect, test } from "vitest";
import { readPng } from "../../../cli/media/read-png.ts";

const reds = (base64: string) => {
  const { data } = readPng(Buffer.from(base64, "base64"), "a.png");
  expect(data.every((value, i) => (i % 4 === 3 ? value === 255 : value === data[i - (i % 4)]))).toBe(true);
  return [...data].filter((_, i) => i % 4 === 0);
};

test("grey of one bit is black and white, of two bits thirds", () => {
  // Rows 101 and 010; a row 0, 1, 3.
  expect(reds("iVBORw0KGgoAAAANSUhEUgAAAAMAAAACAQAAAAC1D1u3AAAADElEQVR4nGNYwOAAAAIkAOFz6zvyAAAAAElFTkSuQmCC")).toEqual([
    255, 0, 255, 0, 255, 0,
  ]);
  expect(reds("iVBORw0KGgoAAAANSUhEUgAAAAMAAAABAgAAAAB0O1PJAAAACklEQVR4nGOQAQAAHgAd5rBLVgAAAABJRU5ErkJggg==")).toEqual([0, 85, 255]);
});

test("what is no PNG says what it is to be", () => {
  expect(() => reds("/9j/4AAQSkZJRg==")).toThrow(expect.objectContaining({ code: "file-unreadable", hint: "save it as a PNG again" }));
});
