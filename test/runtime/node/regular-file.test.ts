/** Files that a user names: read only where they are files, within a limit, and text where text is asked for. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readBytes, readText } from "../../../runtime/node/regular-file.ts";

const folder = mkdtempSync(join(tmpdir(), "mvc-read-"));
const file = join(folder, "a.txt");
afterAll(() => rmSync(folder, { recursive: true }));

const read = (bytes: string | Uint8Array, most = 100) => {
  writeFileSync(file, bytes);
  return readText(file, "the text", most);
};

test("a text comes as it is, its mark of byte order too", () => {
  expect(read("")).toBe("");
  expect(read("\ufeffé 漢 🎬\r\n")).toBe("\ufeffé 漢 🎬\r\n");
});

test("the limit is the last size that is read", () => {
  expect(read("x".repeat(100))).toHaveLength(100);
  expect(() => read("x".repeat(101))).toThrow(`${file} has more than the 100 bytes that the text may have`);
});

test("a file that says it is empty and is not, as those of the kernel do", () => {
  if (process.platform !== "linux") return;
  expect(readText("/proc/self/status", "the text", 2 ** 20)).toContain("Pid:");
  expect(() => readBytes("/proc/self/status", "the text", 10)).toThrow("more than the 10 bytes");
});

test.each<[string, Uint8Array, number]>([
  ["Latin-1", Uint8Array.of(0x61, 0x0a, 0xe9, 0x0a, 0xe9), 2],
  ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x61, 0), 1],
  ["a letter that is cut off at the end", Uint8Array.of(0x0a, 0x0a, 0xc3), 3],
  ["a surrogate", Uint8Array.of(0xed, 0xa0, 0x80), 1],
])("%s is not UTF-8, and the line is named", (_, bytes, line) => {
  expect(() => read(bytes)).toThrow(`is not UTF-8: line ${line} `);
});

test.each([
  [folder, "file-unreadable", "it is a folder, not a file"],
  ["/dev/null", "file-unreadable", "it is a device, not a file"],
  [join(folder, "none"), "file-missing", "the text is missing"],
  [join(file, "x"), "file-unreadable", "a part of the path is a file"],
  ["", "file-missing", 'there is no file ""'],
])("%s: %s", (path, code, message) => {
  writeFileSync(file, "");
  expect(() => readText(path, "the text", 9)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
});
