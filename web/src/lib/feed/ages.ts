/** How old something from memory has to be before its age is told: younger is what one would see anyway. */
export const OLD_AFTER_MS = 60_000
