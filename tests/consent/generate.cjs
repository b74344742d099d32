/* Prints test cases for consent-decode: one {"s": string, "want": answer} per line, where the answer is what the
 * IAB's own JavaScript libraries read from the string.
 *
 *   node generate.cjs <seed> <count> <directory with node_modules>
 *
 * Needs the npm packages @iabtcf/core and @iabgpp/cmpapi there. Half of the TC strings are written bit by bit,
 * so that encodings which the library's encoder would not choose are covered too.
 */
'use strict';
const path = require('path');
const [seed, count, dir] = [Number(process.argv[2]), Number(process.argv[3]), path.resolve(process.argv[4])];
const load = (name) => require(require.resolve(name, { paths: [dir] }));
const { TCModel, TCString, GVL, PurposeRestriction, RestrictionType, Segment } = load('@iabtcf/core');
const iabgpp = load('@iabgpp/cmpapi');

/* mulberry32: small, seeded, the same everywhere */
let state = seed >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const between = (a, b) => a + below(b - a + 1);
const chance = (p) => random() < p;
const pick = (list) => list[below(list.length)];
const subset = (n, p) => Array.from({ length: n }, (_, i) => i + 1).filter(() => chance(p));

/* ids with the shapes that occur: none, a few, dense, runs, large ids */
function vendorIds() {
  const shape = below(24);
  if (shape < 7) return [];
  if (shape < 13) return [...new Set(Array.from({ length: between(1, 8) }, () => between(1, 1500)))].sort((a, b) => a - b);
  if (shape < 18) return subset(between(1, 80), random());
  if (shape < 22) {
    const ids = [];
    for (let at = between(1, 50), runs = between(1, 6); runs > 0; runs--) {
      const n = between(1, 16);
      for (let i = 0; i < n; i++) ids.push(at + i);
      at += n + between(1, 60);
    }
    return ids;
  }
  if (shape < 23) return [...new Set([1, 2, between(3, 32767), between(60000, 65535)])].sort((a, b) => a - b);
  return subset(between(100, 500), 0.6);
}

/* ---- TCF ---- */

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const int = (v, n) => v.toString(2).padStart(n, '0');
const mask = (ids, n) => Array.from({ length: n }, (_, i) => (ids.includes(i + 1) ? '1' : '0')).join('');

function base64(bits) {
  while (bits.length % 8) bits += '0';
  while (bits.length % 6) bits += '0';
  return bits.replace(/.{6}/g, (six) => DIGITS[parseInt(six, 2)]);
}

function rangeBits(ids) {
  const runs = [];
  for (const id of ids) {
    const last = runs[runs.length - 1];
    if (last && last[1] === id - 1 && chance(0.97)) last[1] = id;
    else runs.push([id, id]);
  }
  return int(runs.length, 12) +
    runs.map(([a, b]) => (a === b ? '0' + int(a, 16) : '1' + int(a, 16) + int(b, 16))).join('');
}

function vendorBits(ids) {
  const top = ids.length ? ids[ids.length - 1] : 0;
  const max = Math.min(65535, top + (chance(0.3) ? below(40) : 0));
  return chance(0.5) && max < 3000 ? int(max, 16) + '0' + mask(ids, max) : int(max, 16) + '1' + rangeBits(ids);
}

const letters = () => int(below(26), 6) + int(below(26), 6);
const deciseconds = () => between(15000000000, 18300000000);

function writeTcf() {
  const kinds = [...new Set(Array.from({ length: below(4) }, () => `${between(1, 11)} ${below(3)}`))];
  const restrictions = kinds.map((kind) => {
    const [purpose, type] = kind.split(' ').map(Number);
    let ids = vendorIds().filter((id) => id <= 32767);
    if (ids.length === 0) ids = [between(1, 900)];
    return int(purpose, 6) + int(type, 2) + rangeBits(ids);
  });
  const text = [base64(int(2, 6) + int(deciseconds(), 36) + int(deciseconds(), 36) + int(between(2, 4095), 12) +
    int(below(4096), 12) + int(below(64), 6) + letters() + int(between(1, 4095), 12) + int(between(2, 5), 6) +
    int(below(2), 1) + int(below(2), 1) + mask(subset(12, 0.3), 12) + mask(subset(24, 0.5), 24) +
    mask(subset(24, 0.4), 24) + int(below(2), 1) + letters() + vendorBits(vendorIds()) + vendorBits(vendorIds()) +
    int(restrictions.length, 12) + restrictions.join(''))];
  const custom = below(5) ? below(8) : between(40, 63);
  const segments = [];
  if (chance(0.5)) segments.push(base64('001' + vendorBits(vendorIds())));
  if (chance(0.2)) segments.push(base64('010' + vendorBits(vendorIds())));
  if (chance(0.4))
    segments.push(base64('011' + mask(subset(24, 0.5), 24) + mask(subset(24, 0.3), 24) + int(custom, 6) +
      mask(subset(custom, 0.5), custom) + mask(subset(custom, 0.3), custom)));
  if (chance(0.5)) segments.reverse();
  return text.concat(segments).join('.');
}

/* A vendor list in which every vendor may do everything, or the encoder would drop what we set. */
const all = subset(11, 1);
const vendors = {};
for (let id = 1; id <= 1500; id++)
  vendors[id] = { id, name: `v${id}`, purposes: all, legIntPurposes: all, flexiblePurposes: all, specialPurposes: [],
    features: [], specialFeatures: [] };
const gvl = new GVL({ gvlSpecificationVersion: 3, vendorListVersion: 47, tcfPolicyVersion: 4,
  lastUpdated: '2025-01-01T00:00:00Z', purposes: Object.fromEntries(all.map((id) => [id, { id, name: `p${id}` }])),
  specialPurposes: {}, features: {}, specialFeatures: {}, stacks: {}, dataCategories: {}, vendors });

function encodeTcf() {
  const m = new TCModel(gvl);
  const known = () => vendorIds().filter((id) => id <= 1500);
  m.cmpId = between(2, 4095);
  m.cmpVersion = between(2, 4095);
  m.consentScreen = below(64);
  m.publisherCountryCode = pick(['DE', 'FR', 'GB', 'AA', 'ZZ']);
  m.isServiceSpecific = true;
  m.useNonStandardTexts = chance(0.5);
  m.purposeOneTreatment = chance(0.5);
  m.purposeConsents.set(subset(11, 0.6));
  m.purposeLegitimateInterests.set(subset(11, 0.5));
  m.specialFeatureOptins.set(subset(2, 0.5));
  m.vendorConsents.set(known());
  m.vendorLegitimateInterests.set(known());
  for (let n = below(4); n > 0; n--) {
    const r = new PurposeRestriction(between(1, 11), pick([0, 1, 2]));
    known().forEach((id) => m.publisherRestrictions.add(id, r));
  }
  m.publisherConsents.set(subset(24, 0.5));
  m.publisherLegitimateInterests.set(subset(24, 0.5));
  m.numCustomPurposes = below(6);
  m.publisherCustomConsents.set(subset(m.numCustomPurposes, 0.5));
  m.publisherCustomLegitimateInterests.set(subset(m.numCustomPurposes, 0.5));
  m.created = new Date(deciseconds() * 100);
  m.lastUpdated = new Date(deciseconds() * 100);
  const segments = [Segment.CORE];
  if (chance(0.2)) segments.push(Segment.VENDORS_DISCLOSED);
  if (chance(0.5)) segments.push(Segment.PUBLISHER_TC);
  return TCString.encode(m, { segments });
}

function ids(vector) {
  const list = [];
  vector.forEach((on, id) => { if (on) list.push(id); });
  return list.sort((a, b) => a - b);
}

function readTcf(s) {
  const m = TCString.decode(s);
  return {
    version: m.version, created: m.created.toJSON(), last_updated: m.lastUpdated.toJSON(), cmp_id: m.cmpId,
    cmp_version: m.cmpVersion, consent_screen: m.consentScreen, consent_language: m.consentLanguage,
    vendor_list_version: m.vendorListVersion, policy_version: m.policyVersion,
    is_service_specific: m.isServiceSpecific, use_non_standard_texts: m.useNonStandardTexts,
    purpose_one_treatment: m.purposeOneTreatment, publisher_cc: m.publisherCountryCode,
    purposes_consent: ids(m.purposeConsents), purposes_li: ids(m.purposeLegitimateInterests),
    special_features: ids(m.specialFeatureOptins), vendors_consent: ids(m.vendorConsents),
    vendors_li: ids(m.vendorLegitimateInterests), vendors_disclosed: ids(m.vendorsDisclosed),
    vendors_allowed: ids(m.vendorsAllowed),
    publisher_restrictions: m.publisherRestrictions.getRestrictions()
      .map((r) => ({ purpose: r.purposeId, type: r.restrictionType, vendors: m.publisherRestrictions.getVendors(r) }))
      .sort((a, b) => a.purpose - b.purpose || a.type - b.type),
    publisher_consent: ids(m.publisherConsents), publisher_li: ids(m.publisherLegitimateInterests),
    num_custom_purposes: Number(m.numCustomPurposes) || 0,
    publisher_custom_consent: ids(m.publisherCustomConsents),
    publisher_custom_li: ids(m.publisherCustomLegitimateInterests),
  };
}

/* ---- GPP ---- */

/* the sections and segments themselves, which the library keeps in public members */
const snake = (name) => name.replace(/([a-z])([A-Z])/g, '$1_$2').toLowerCase();
const US = ['usnat', 'usca', 'usva', 'usco', 'usut', 'usct', 'usfl', 'usmt', 'usor', 'ustx', 'usde', 'usia', 'usne',
  'usnh', 'usnj', 'ustn', 'usmn', 'usmd', 'usin', 'usky', 'usri'];
const HIDDEN = /^(GpcSegment|SensitiveDataConsentSegment)/;

function encodeGpp() {
  const model = new iabgpp.GppModel();
  const sections = new Set(Array.from({ length: between(1, 4) }, () => pick(['tcfeuv2', 'tcfcav1', 'uspv1', ...US])));
  for (const name of sections) {
    if (name === 'tcfeuv2') {
      model.setFieldValue(name, 'VendorConsents', vendorIds());
      model.setFieldValue(name, 'PurposeConsents', Array.from({ length: 24 }, () => chance(0.5)));
      model.setFieldValue(name, 'VendorListVersion', between(1, 4095));
      model.setFieldValue(name, 'CmpId', between(2, 4095));
      model.setFieldValue(name, 'Created', new Date(deciseconds() * 100));
    } else if (name === 'tcfcav1') {
      model.setFieldValue(name, 'VendorExpressConsent', vendorIds());
      model.setFieldValue(name, 'VendorImpliedConsent', vendorIds());
      model.setFieldValue(name, 'PurposesExpressConsent', Array.from({ length: 24 }, () => chance(0.5)));
      model.setFieldValue(name, 'CmpId', below(4096));
      model.setFieldValue(name, 'DisclosedVendors', vendorIds());
      if (chance(0.5))
        model.setFieldValue(name, 'PubRestrictions', [new iabgpp.RangeEntry(between(1, 11), below(3), [1, 2, 3, 9])]);
    } else if (name === 'uspv1') {
      for (const f of ['Notice', 'OptOutSale', 'LspaCovered']) model.setFieldValue(name, f, pick(['Y', 'N', '-']));
    } else {
      fillUs(model, name);
    }
  }
  return model.encode();
}

/* The Canadian section in the form of early libraries: ranges of 16 bit ids. The answer is what was written, since today's
 * library, which takes both forms, can run out of memory when it tries the other one first. */
function oldTcfCa() {
  const runs = (ids) => ids.reduce((all, id) => {
    const last = all[all.length - 1];
    if (last && last[1] === id - 1) last[1] = id; else all.push([id, id]);
    return all;
  }, []);
  const range = (ids) => { const r = runs(ids);
    return int(r.length, 12) + r.map(([a, b]) => (a === b ? '0' + int(a, 16) : '1' + int(a, 16) + int(b, 16))).join(''); };
  /* whichever is shorter, as the library does */
  const vendors = (ids) => { const max = ids.length ? ids[ids.length - 1] : 0; const r = range(ids);
    return r.length <= max ? int(max, 16) + '1' + r : int(max, 16) + '0' + mask(ids, max); };
  const restrictions = Array.from({ length: below(3) }, (_, i) => ({ purpose: i + 1, type: below(3),
    vendors: [...new Set(Array.from({ length: between(1, 5) }, () => between(1, 900)))].sort((a, b) => a - b) }));
  /* a far id makes it a range: bit fields are the same in both forms, and then there can be nothing to tell them apart */
  const express = [...vendorIds().filter((id) => id < 3000), between(20000, 65535)], implied = vendorIds(), cmp = between(2, 4095), purposes = subset(24, 0.5);
  const core = int(1, 6) + int(deciseconds(), 36) + int(deciseconds(), 36) + int(cmp, 12) + int(below(4096), 12) +
    int(below(64), 6) + letters() + int(between(1, 4095), 12) + int(between(2, 5), 6) + int(below(2), 1) +
    mask(subset(12, 0.3), 12) + mask(purposes, 24) + mask(subset(24, 0.4), 24) + vendors(express) + vendors(implied) +
    int(restrictions.length, 12) + restrictions.map((r) => int(r.purpose, 6) + int(r.type, 2) + range(r.vendors)).join('');
  return { s: 'DBABD~' + base64(core), want: { gpp: { version: 1, section_ids: [5], sections: { tcfcav1: { version: 1,
    cmp_id: cmp, purposes_express: purposes, vendors_express: express, vendors_implied: implied,
    publisher_restrictions: restrictions } } } } };
}

function fillUs(model, name) {
  if (name === 'usnat') model.setFieldValue(name, 'Version', pick([1, 2, 2]));
  else model.setFieldValue(name, 'SaleOptOut', 0); /* makes the section */
  const section = model.sections.get(name);
  for (const field of section.segments.flatMap((segment) => segment.getFieldNames())) {
    const value = section.getFieldValue(field);
    if (/Version$|Type$/.test(field)) continue;
    if (Array.isArray(value)) model.setFieldValue(name, field, value.map(() => below(3)));
    else if (typeof value === 'boolean') model.setFieldValue(name, field, chance(0.5));
    else model.setFieldValue(name, field, field === 'MspaCoveredTransaction' ? between(1, 2) : below(3));
  }
}

function readUs(section) {
  const out = {};
  const parts = section.encode().split('.').length; /* optional segments may be absent */
  section.segments.forEach((segment, i) => {
    if (i >= parts) return;
    for (const f of segment.getFieldNames()) if (!HIDDEN.test(f)) out[snake(f)] = section.getFieldValue(f);
  });
  return out;
}

function readTcfCa(model) {
  const v = (f) => model.getFieldValue('tcfcav1', f);
  const bits = (list) => list.map((on, i) => (on ? i + 1 : 0)).filter(Boolean);
  return { version: v('Version'), cmp_id: v('CmpId'), cmp_version: v('CmpVersion'),
    consent_language: v('ConsentLanguage'), policy_version: v('TcfPolicyVersion'),
    purposes_express: bits(v('PurposesExpressConsent')), vendors_express: v('VendorExpressConsent'),
    vendors_implied: v('VendorImpliedConsent'), vendors_disclosed: v('DisclosedVendors'),
    publisher_restrictions: v('PubRestrictions')
      .map((r) => ({ purpose: r.getKey(), type: r.getType(), vendors: r.getIds() })) };
}

function readGpp(s) {
  const model = new iabgpp.GppModel(s);
  const sections = {};
  for (const id of model.getSectionIds()) {
    const name = iabgpp.Sections.SECTION_ID_NAME_MAP.get(id);
    const section = model.sections.get(name);
    if (name === 'tcfeuv2') sections[name] = readTcf(section.encode());
    else if (name === 'tcfcav1') sections[name] = readTcfCa(model);
    else if (name === 'uspv1')
      sections[name] = { version: 1, notice: section.getFieldValue('Notice'),
        opt_out_sale: section.getFieldValue('OptOutSale'), lspa_covered: section.getFieldValue('LspaCovered') };
    else sections[name] = readUs(section);
  }
  return { version: 1, section_ids: model.getSectionIds(), sections };
}

/* ---- */

for (let i = 0; i < count; i++) {
  if (i % 40 === 39) {
    console.log(JSON.stringify(oldTcfCa()));
    continue;
  }
  const kind = i % 5;
  const s = kind < 2 ? writeTcf() : kind === 2 ? encodeTcf() : kind === 3 ? encodeGpp() :
    '1' + pick('YN-') + pick('YN-') + pick('YN-');
  const want = kind < 3 ? { tcf: readTcf(s) } : kind === 3 ? { gpp: readGpp(s) } :
    { usp: { version: 1, notice: s[1], opt_out_sale: s[2], lspa_covered: s[3] } };
  console.log(JSON.stringify({ s, want }));
}
