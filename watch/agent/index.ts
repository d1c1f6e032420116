/** Eyes in other places. */
export { startAgent, type AgentOptions } from './agent.ts'
