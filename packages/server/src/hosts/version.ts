/** The version of this package: a constant, so that it survives bundling; a test holds it to the manifest. */

export const VERSION = '0.1.0';
