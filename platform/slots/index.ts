/** Releases of code on one machine: made ready in a folder of their own, and which one is in force. */
export { prepareSlot, UnfitReleaseError } from './prepare.ts'
export { openSlotStore, programOf, slotsDirOf, type Promoted, type Slot, type SlotStore } from './store.ts'
export { hashTree } from './tree-hash.ts'
