/** Two watches: each checks the other, tells it what it saw, and shows both by a rule that is written down. */
export { openPeers, startPeers, type Peers } from './exchange.ts'
export { otherWatches } from './other-watches.ts'
export { openOwnKey } from './peer-keys.ts'
export { registerPeersPage } from './peers-page.ts'
export { peerRoutes } from './peers.routes.ts'
