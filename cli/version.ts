/** What the command line says that it is: the compiler of this version. */

export { version } from "../compiler/version.ts";
