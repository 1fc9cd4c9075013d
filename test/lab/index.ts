export { Lab, labNames, type LabOptions } from './lab.js';
export { LabNode, type CertificatePaths, type NodeOptions, type Outcome } from './node.js';
export { labCertificates, type CertificateSubject } from './certificates.js';
export { checksums, compareNodes, quote } from './checksums.js';
export { leftovers } from './leftovers.js';
export { canMakeNamespaces, type Family } from './network.js';
export { purgeTemplates } from './template.js';
export type { OptionGroup, OptionGroups, OptionValue } from './option-file.js';
export type { Row } from './rows.js';
