/** Releases of code on one machine: made ready in a folder of their own, and which one is in force. */
export { assetShelfOf, shelveAssets } from './asset-shelf.ts'
export { pruneSlots } from './prune.ts'
export { prepareSlot, UnfitReleaseError } from './prepare.ts'
export { openSlotStore, programOf, slotsDirOf, type Promoted, type Slot, type SlotStore } from './store.ts'
export { hashTree } from './tree-hash.ts'
