/** The version of the compiler, as the package declares it. */

export const version = "0.1.0";
