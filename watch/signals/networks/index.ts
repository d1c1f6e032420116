/** Country and network of an address, by tables that come with the product. They are read when first needed. */
export { openNetworkTable, type NetworkPlace, type NetworkTable } from './network-table.ts'
