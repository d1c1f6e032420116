/** The classes in which requests are admitted: 0 is served first, 3 last. */
import type { PriorityClass } from '../../kit/admission/index.ts'

export const CLASSES = [0, 1, 2, 3] as const satisfies readonly PriorityClass[]
