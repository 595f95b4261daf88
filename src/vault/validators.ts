// @ts-nocheck
// Generated from schemas/ by npm run schemas: not to be changed by hand.
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
"use strict";
export const vault = validate0;
const schema0 = {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://baluchon.dev/schemas/vault-1.json","title":"baluchon.yaml: what a vault says of itself in clear","type":"object","required":["format","vault","created","root","profile"],"properties":{"format":{"const":"baluchon/1"},"vault":{"description":"Random, names the vault.","type":"string","pattern":"^[0-9a-f]{32}$"},"created":{"type":"string","format":"date-time"},"root":{"description":"Fingerprint of the certificate of epoch 1, from which all trust in this vault follows.","type":"string","pattern":"^[0-9A-F]{40}$"},"profile":{"type":"object","required":["chunk_size","page_size","compression","sealing"],"properties":{"chunk_size":{"description":"Bytes.","const":262144},"page_size":{"description":"Entries of a page.","const":1024},"compression":{"const":"zstd"},"sealing":{"enum":["rfc4880","rfc9580"]}}}}};
const pattern0 = new RegExp("^[0-9a-f]{32}$", "u");
const pattern1 = new RegExp("^[0-9A-F]{40}$", "u");
const formats0 = require("ajv-formats/dist/formats").fullFormats["date-time"];

function validate0(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
/*# sourceURL="https://baluchon.dev/schemas/vault-1.json" */;
let vErrors = null;
let errors = 0;
const evaluated0 = validate0.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if((((((data.format === undefined) && (missing0 = "format")) || ((data.vault === undefined) && (missing0 = "vault"))) || ((data.created === undefined) && (missing0 = "created"))) || ((data.root === undefined) && (missing0 = "root"))) || ((data.profile === undefined) && (missing0 = "profile"))){
validate0.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0},message:"must have required property '"+missing0+"'"}];
return false;
}
else {
if(data.format !== undefined){
const _errs1 = errors;
if("baluchon/1" !== data.format){
validate0.errors = [{instancePath:instancePath+"/format",schemaPath:"#/properties/format/const",keyword:"const",params:{allowedValue: "baluchon/1"},message:"must be equal to constant"}];
return false;
}
var valid0 = _errs1 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.vault !== undefined){
let data1 = data.vault;
const _errs2 = errors;
if(errors === _errs2){
if(typeof data1 === "string"){
if(!pattern0.test(data1)){
validate0.errors = [{instancePath:instancePath+"/vault",schemaPath:"#/properties/vault/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{32}$"},message:"must match pattern \""+"^[0-9a-f]{32}$"+"\""}];
return false;
}
}
else {
validate0.errors = [{instancePath:instancePath+"/vault",schemaPath:"#/properties/vault/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.created !== undefined){
let data2 = data.created;
const _errs4 = errors;
if(errors === _errs4){
if(errors === _errs4){
if(typeof data2 === "string"){
if(!(formats0.validate(data2))){
validate0.errors = [{instancePath:instancePath+"/created",schemaPath:"#/properties/created/format",keyword:"format",params:{format: "date-time"},message:"must match format \""+"date-time"+"\""}];
return false;
}
}
else {
validate0.errors = [{instancePath:instancePath+"/created",schemaPath:"#/properties/created/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.root !== undefined){
let data3 = data.root;
const _errs6 = errors;
if(errors === _errs6){
if(typeof data3 === "string"){
if(!pattern1.test(data3)){
validate0.errors = [{instancePath:instancePath+"/root",schemaPath:"#/properties/root/pattern",keyword:"pattern",params:{pattern: "^[0-9A-F]{40}$"},message:"must match pattern \""+"^[0-9A-F]{40}$"+"\""}];
return false;
}
}
else {
validate0.errors = [{instancePath:instancePath+"/root",schemaPath:"#/properties/root/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.profile !== undefined){
let data4 = data.profile;
const _errs8 = errors;
if(errors === _errs8){
if(data4 && typeof data4 == "object" && !Array.isArray(data4)){
let missing1;
if(((((data4.chunk_size === undefined) && (missing1 = "chunk_size")) || ((data4.page_size === undefined) && (missing1 = "page_size"))) || ((data4.compression === undefined) && (missing1 = "compression"))) || ((data4.sealing === undefined) && (missing1 = "sealing"))){
validate0.errors = [{instancePath:instancePath+"/profile",schemaPath:"#/properties/profile/required",keyword:"required",params:{missingProperty: missing1},message:"must have required property '"+missing1+"'"}];
return false;
}
else {
if(data4.chunk_size !== undefined){
const _errs10 = errors;
if(262144 !== data4.chunk_size){
validate0.errors = [{instancePath:instancePath+"/profile/chunk_size",schemaPath:"#/properties/profile/properties/chunk_size/const",keyword:"const",params:{allowedValue: 262144},message:"must be equal to constant"}];
return false;
}
var valid1 = _errs10 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data4.page_size !== undefined){
const _errs11 = errors;
if(1024 !== data4.page_size){
validate0.errors = [{instancePath:instancePath+"/profile/page_size",schemaPath:"#/properties/profile/properties/page_size/const",keyword:"const",params:{allowedValue: 1024},message:"must be equal to constant"}];
return false;
}
var valid1 = _errs11 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data4.compression !== undefined){
const _errs12 = errors;
if("zstd" !== data4.compression){
validate0.errors = [{instancePath:instancePath+"/profile/compression",schemaPath:"#/properties/profile/properties/compression/const",keyword:"const",params:{allowedValue: "zstd"},message:"must be equal to constant"}];
return false;
}
var valid1 = _errs12 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data4.sealing !== undefined){
let data8 = data4.sealing;
const _errs13 = errors;
if(!((data8 === "rfc4880") || (data8 === "rfc9580"))){
validate0.errors = [{instancePath:instancePath+"/profile/sealing",schemaPath:"#/properties/profile/properties/sealing/enum",keyword:"enum",params:{allowedValues: schema0.properties.profile.properties.sealing.enum},message:"must be equal to one of the allowed values"}];
return false;
}
var valid1 = _errs13 === errors;
}
else {
var valid1 = true;
}
}
}
}
}
}
else {
validate0.errors = [{instancePath:instancePath+"/profile",schemaPath:"#/properties/profile/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
else {
validate0.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
validate0.errors = vErrors;
return errors === 0;
}
validate0.evaluated = {"props":{"format":true,"vault":true,"created":true,"root":true,"profile":true},"dynamicProps":false,"dynamicItems":false};

export const bundle = validate1;
const schema1 = {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://baluchon.dev/schemas/bundle-1.json","title":"bundle.yaml: what a bundle is and where its disks begin","type":"object","required":["format","vault","created","tool","epoch","source","counts","disk_bytes","added_bytes","disks","packs","previous","roster","notes"],"properties":{"format":{"const":"baluchon-bundle/1"},"vault":{"type":"string","pattern":"^[0-9a-f]{32}$"},"created":{"description":"UTC, whole seconds.","type":"string","pattern":"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"},"tool":{"description":"Name and version of the program that wrote it.","type":"string"},"epoch":{"type":"integer","minimum":1},"source":{"type":"object","required":["cloud","project","services"],"properties":{"cloud":{"type":"string"},"region":{"type":"string"},"project":{"type":"object","required":["id","name"],"properties":{"id":{"type":"string"},"name":{"type":"string"}}},"services":{"type":"object","additionalProperties":{"type":"object"}}}},"counts":{"description":"Documents of each kind.","type":"object","additionalProperties":{"type":"integer","minimum":0}},"disk_bytes":{"description":"Bytes of all disks' raw views.","type":"integer","minimum":0},"added_bytes":{"description":"Bytes of the files that came with this bundle, its manifest and list of packs apart.","type":"integer","minimum":0},"disks":{"type":"array","items":{"type":"object","required":["id","kind","name","size","source_format","consistency","taken_at","data_bytes","depth","root"],"properties":{"id":{"description":"Id of the document it belongs to.","type":"string","pattern":"^[a-z0-9][a-z0-9_-]{0,49}$"},"kind":{"type":"string","pattern":"^[a-z0-9][a-z0-9_-]{0,29}$"},"name":{"type":"string"},"size":{"description":"Bytes of the raw view.","type":"integer","minimum":0,"maximum":9007199254740991},"source_format":{"type":"string"},"consistency":{"type":"string"},"taken_at":{"type":"string"},"data_bytes":{"description":"Bytes of the chunks that are not all zeros.","type":"integer","minimum":0},"depth":{"description":"Levels of pages.","type":"integer","minimum":1,"maximum":4},"root":{"description":"Chunk id of the topmost page; null where the whole disk is zeros.","type":["string","null"],"pattern":"^[0-9a-f]{64}$"}}}},"packs":{"description":"The list of packs beside the manifest.","type":"object","required":["sha256"],"properties":{"sha256":{"type":"string","pattern":"^[0-9a-f]{64}$"}}},"previous":{"description":"Manifests that were there when this one was written and that no other named yet.","type":"array","items":{"type":"string","pattern":"^bundles/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{32}\\.pgp$"}},"roster":{"description":"The roster that was in force.","type":"object","required":["serial","sha256"],"properties":{"serial":{"type":"integer","minimum":1},"sha256":{"type":"string","pattern":"^[0-9a-f]{64}$"}}},"tags":{"description":"Words by which people find and keep it; sorted.","type":"array","items":{"type":"string","minLength":1,"maxLength":100},"uniqueItems":true},"notes":{"type":"object"}}};
const pattern3 = new RegExp("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$", "u");
const pattern4 = new RegExp("^[a-z0-9][a-z0-9_-]{0,49}$", "u");
const pattern5 = new RegExp("^[a-z0-9][a-z0-9_-]{0,29}$", "u");
const pattern6 = new RegExp("^[0-9a-f]{64}$", "u");
const pattern8 = new RegExp("^bundles/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{32}\\.pgp$", "u");
const func0 = require("ajv/dist/runtime/ucs2length").default;

function validate1(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
/*# sourceURL="https://baluchon.dev/schemas/bundle-1.json" */;
let vErrors = null;
let errors = 0;
const evaluated0 = validate1.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((((((((((((data.format === undefined) && (missing0 = "format")) || ((data.vault === undefined) && (missing0 = "vault"))) || ((data.created === undefined) && (missing0 = "created"))) || ((data.tool === undefined) && (missing0 = "tool"))) || ((data.epoch === undefined) && (missing0 = "epoch"))) || ((data.source === undefined) && (missing0 = "source"))) || ((data.counts === undefined) && (missing0 = "counts"))) || ((data.disk_bytes === undefined) && (missing0 = "disk_bytes"))) || ((data.added_bytes === undefined) && (missing0 = "added_bytes"))) || ((data.disks === undefined) && (missing0 = "disks"))) || ((data.packs === undefined) && (missing0 = "packs"))) || ((data.previous === undefined) && (missing0 = "previous"))) || ((data.roster === undefined) && (missing0 = "roster"))) || ((data.notes === undefined) && (missing0 = "notes"))){
validate1.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0},message:"must have required property '"+missing0+"'"}];
return false;
}
else {
if(data.format !== undefined){
const _errs1 = errors;
if("baluchon-bundle/1" !== data.format){
validate1.errors = [{instancePath:instancePath+"/format",schemaPath:"#/properties/format/const",keyword:"const",params:{allowedValue: "baluchon-bundle/1"},message:"must be equal to constant"}];
return false;
}
var valid0 = _errs1 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.vault !== undefined){
let data1 = data.vault;
const _errs2 = errors;
if(errors === _errs2){
if(typeof data1 === "string"){
if(!pattern0.test(data1)){
validate1.errors = [{instancePath:instancePath+"/vault",schemaPath:"#/properties/vault/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{32}$"},message:"must match pattern \""+"^[0-9a-f]{32}$"+"\""}];
return false;
}
}
else {
validate1.errors = [{instancePath:instancePath+"/vault",schemaPath:"#/properties/vault/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid0 = _errs2 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.created !== undefined){
let data2 = data.created;
const _errs4 = errors;
if(errors === _errs4){
if(typeof data2 === "string"){
if(!pattern3.test(data2)){
validate1.errors = [{instancePath:instancePath+"/created",schemaPath:"#/properties/created/pattern",keyword:"pattern",params:{pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"},message:"must match pattern \""+"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"+"\""}];
return false;
}
}
else {
validate1.errors = [{instancePath:instancePath+"/created",schemaPath:"#/properties/created/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid0 = _errs4 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.tool !== undefined){
const _errs6 = errors;
if(typeof data.tool !== "string"){
validate1.errors = [{instancePath:instancePath+"/tool",schemaPath:"#/properties/tool/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid0 = _errs6 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.epoch !== undefined){
let data4 = data.epoch;
const _errs8 = errors;
if(!(((typeof data4 == "number") && (!(data4 % 1) && !isNaN(data4))) && (isFinite(data4)))){
validate1.errors = [{instancePath:instancePath+"/epoch",schemaPath:"#/properties/epoch/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs8){
if((typeof data4 == "number") && (isFinite(data4))){
if(data4 < 1 || isNaN(data4)){
validate1.errors = [{instancePath:instancePath+"/epoch",schemaPath:"#/properties/epoch/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1"}];
return false;
}
}
}
var valid0 = _errs8 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.source !== undefined){
let data5 = data.source;
const _errs10 = errors;
if(errors === _errs10){
if(data5 && typeof data5 == "object" && !Array.isArray(data5)){
let missing1;
if((((data5.cloud === undefined) && (missing1 = "cloud")) || ((data5.project === undefined) && (missing1 = "project"))) || ((data5.services === undefined) && (missing1 = "services"))){
validate1.errors = [{instancePath:instancePath+"/source",schemaPath:"#/properties/source/required",keyword:"required",params:{missingProperty: missing1},message:"must have required property '"+missing1+"'"}];
return false;
}
else {
if(data5.cloud !== undefined){
const _errs12 = errors;
if(typeof data5.cloud !== "string"){
validate1.errors = [{instancePath:instancePath+"/source/cloud",schemaPath:"#/properties/source/properties/cloud/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid1 = _errs12 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data5.region !== undefined){
const _errs14 = errors;
if(typeof data5.region !== "string"){
validate1.errors = [{instancePath:instancePath+"/source/region",schemaPath:"#/properties/source/properties/region/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid1 = _errs14 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data5.project !== undefined){
let data8 = data5.project;
const _errs16 = errors;
if(errors === _errs16){
if(data8 && typeof data8 == "object" && !Array.isArray(data8)){
let missing2;
if(((data8.id === undefined) && (missing2 = "id")) || ((data8.name === undefined) && (missing2 = "name"))){
validate1.errors = [{instancePath:instancePath+"/source/project",schemaPath:"#/properties/source/properties/project/required",keyword:"required",params:{missingProperty: missing2},message:"must have required property '"+missing2+"'"}];
return false;
}
else {
if(data8.id !== undefined){
const _errs18 = errors;
if(typeof data8.id !== "string"){
validate1.errors = [{instancePath:instancePath+"/source/project/id",schemaPath:"#/properties/source/properties/project/properties/id/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid2 = _errs18 === errors;
}
else {
var valid2 = true;
}
if(valid2){
if(data8.name !== undefined){
const _errs20 = errors;
if(typeof data8.name !== "string"){
validate1.errors = [{instancePath:instancePath+"/source/project/name",schemaPath:"#/properties/source/properties/project/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid2 = _errs20 === errors;
}
else {
var valid2 = true;
}
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/source/project",schemaPath:"#/properties/source/properties/project/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid1 = _errs16 === errors;
}
else {
var valid1 = true;
}
if(valid1){
if(data5.services !== undefined){
let data11 = data5.services;
const _errs22 = errors;
if(errors === _errs22){
if(data11 && typeof data11 == "object" && !Array.isArray(data11)){
for(const key0 in data11){
let data12 = data11[key0];
const _errs25 = errors;
if(!(data12 && typeof data12 == "object" && !Array.isArray(data12))){
validate1.errors = [{instancePath:instancePath+"/source/services/" + key0.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/source/properties/services/additionalProperties/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
var valid3 = _errs25 === errors;
if(!valid3){
break;
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/source/services",schemaPath:"#/properties/source/properties/services/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid1 = _errs22 === errors;
}
else {
var valid1 = true;
}
}
}
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/source",schemaPath:"#/properties/source/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid0 = _errs10 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.counts !== undefined){
let data13 = data.counts;
const _errs27 = errors;
if(errors === _errs27){
if(data13 && typeof data13 == "object" && !Array.isArray(data13)){
for(const key1 in data13){
let data14 = data13[key1];
const _errs30 = errors;
if(!(((typeof data14 == "number") && (!(data14 % 1) && !isNaN(data14))) && (isFinite(data14)))){
validate1.errors = [{instancePath:instancePath+"/counts/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/counts/additionalProperties/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs30){
if((typeof data14 == "number") && (isFinite(data14))){
if(data14 < 0 || isNaN(data14)){
validate1.errors = [{instancePath:instancePath+"/counts/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/counts/additionalProperties/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"}];
return false;
}
}
}
var valid4 = _errs30 === errors;
if(!valid4){
break;
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/counts",schemaPath:"#/properties/counts/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid0 = _errs27 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.disk_bytes !== undefined){
let data15 = data.disk_bytes;
const _errs32 = errors;
if(!(((typeof data15 == "number") && (!(data15 % 1) && !isNaN(data15))) && (isFinite(data15)))){
validate1.errors = [{instancePath:instancePath+"/disk_bytes",schemaPath:"#/properties/disk_bytes/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs32){
if((typeof data15 == "number") && (isFinite(data15))){
if(data15 < 0 || isNaN(data15)){
validate1.errors = [{instancePath:instancePath+"/disk_bytes",schemaPath:"#/properties/disk_bytes/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"}];
return false;
}
}
}
var valid0 = _errs32 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.added_bytes !== undefined){
let data16 = data.added_bytes;
const _errs34 = errors;
if(!(((typeof data16 == "number") && (!(data16 % 1) && !isNaN(data16))) && (isFinite(data16)))){
validate1.errors = [{instancePath:instancePath+"/added_bytes",schemaPath:"#/properties/added_bytes/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs34){
if((typeof data16 == "number") && (isFinite(data16))){
if(data16 < 0 || isNaN(data16)){
validate1.errors = [{instancePath:instancePath+"/added_bytes",schemaPath:"#/properties/added_bytes/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"}];
return false;
}
}
}
var valid0 = _errs34 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.disks !== undefined){
let data17 = data.disks;
const _errs36 = errors;
if(errors === _errs36){
if(Array.isArray(data17)){
var valid5 = true;
const len0 = data17.length;
for(let i0=0; i0<len0; i0++){
let data18 = data17[i0];
const _errs38 = errors;
if(errors === _errs38){
if(data18 && typeof data18 == "object" && !Array.isArray(data18)){
let missing3;
if(((((((((((data18.id === undefined) && (missing3 = "id")) || ((data18.kind === undefined) && (missing3 = "kind"))) || ((data18.name === undefined) && (missing3 = "name"))) || ((data18.size === undefined) && (missing3 = "size"))) || ((data18.source_format === undefined) && (missing3 = "source_format"))) || ((data18.consistency === undefined) && (missing3 = "consistency"))) || ((data18.taken_at === undefined) && (missing3 = "taken_at"))) || ((data18.data_bytes === undefined) && (missing3 = "data_bytes"))) || ((data18.depth === undefined) && (missing3 = "depth"))) || ((data18.root === undefined) && (missing3 = "root"))){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0,schemaPath:"#/properties/disks/items/required",keyword:"required",params:{missingProperty: missing3},message:"must have required property '"+missing3+"'"}];
return false;
}
else {
if(data18.id !== undefined){
let data19 = data18.id;
const _errs40 = errors;
if(errors === _errs40){
if(typeof data19 === "string"){
if(!pattern4.test(data19)){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/id",schemaPath:"#/properties/disks/items/properties/id/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9][a-z0-9_-]{0,49}$"},message:"must match pattern \""+"^[a-z0-9][a-z0-9_-]{0,49}$"+"\""}];
return false;
}
}
else {
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/id",schemaPath:"#/properties/disks/items/properties/id/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid6 = _errs40 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data18.kind !== undefined){
let data20 = data18.kind;
const _errs42 = errors;
if(errors === _errs42){
if(typeof data20 === "string"){
if(!pattern5.test(data20)){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/kind",schemaPath:"#/properties/disks/items/properties/kind/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9][a-z0-9_-]{0,29}$"},message:"must match pattern \""+"^[a-z0-9][a-z0-9_-]{0,29}$"+"\""}];
return false;
}
}
else {
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/kind",schemaPath:"#/properties/disks/items/properties/kind/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid6 = _errs42 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data18.name !== undefined){
const _errs44 = errors;
if(typeof data18.name !== "string"){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/name",schemaPath:"#/properties/disks/items/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid6 = _errs44 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data18.size !== undefined){
let data22 = data18.size;
const _errs46 = errors;
if(!(((typeof data22 == "number") && (!(data22 % 1) && !isNaN(data22))) && (isFinite(data22)))){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/size",schemaPath:"#/properties/disks/items/properties/size/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs46){
if((typeof data22 == "number") && (isFinite(data22))){
if(data22 > 9007199254740991 || isNaN(data22)){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/size",schemaPath:"#/properties/disks/items/properties/size/maximum",keyword:"maximum",params:{comparison: "<=", limit: 9007199254740991},message:"must be <= 9007199254740991"}];
return false;
}
else {
if(data22 < 0 || isNaN(data22)){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/size",schemaPath:"#/properties/disks/items/properties/size/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"}];
return false;
}
}
}
}
var valid6 = _errs46 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data18.source_format !== undefined){
const _errs48 = errors;
if(typeof data18.source_format !== "string"){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/source_format",schemaPath:"#/properties/disks/items/properties/source_format/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid6 = _errs48 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data18.consistency !== undefined){
const _errs50 = errors;
if(typeof data18.consistency !== "string"){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/consistency",schemaPath:"#/properties/disks/items/properties/consistency/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid6 = _errs50 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data18.taken_at !== undefined){
const _errs52 = errors;
if(typeof data18.taken_at !== "string"){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/taken_at",schemaPath:"#/properties/disks/items/properties/taken_at/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid6 = _errs52 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data18.data_bytes !== undefined){
let data26 = data18.data_bytes;
const _errs54 = errors;
if(!(((typeof data26 == "number") && (!(data26 % 1) && !isNaN(data26))) && (isFinite(data26)))){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/data_bytes",schemaPath:"#/properties/disks/items/properties/data_bytes/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs54){
if((typeof data26 == "number") && (isFinite(data26))){
if(data26 < 0 || isNaN(data26)){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/data_bytes",schemaPath:"#/properties/disks/items/properties/data_bytes/minimum",keyword:"minimum",params:{comparison: ">=", limit: 0},message:"must be >= 0"}];
return false;
}
}
}
var valid6 = _errs54 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data18.depth !== undefined){
let data27 = data18.depth;
const _errs56 = errors;
if(!(((typeof data27 == "number") && (!(data27 % 1) && !isNaN(data27))) && (isFinite(data27)))){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/depth",schemaPath:"#/properties/disks/items/properties/depth/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs56){
if((typeof data27 == "number") && (isFinite(data27))){
if(data27 > 4 || isNaN(data27)){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/depth",schemaPath:"#/properties/disks/items/properties/depth/maximum",keyword:"maximum",params:{comparison: "<=", limit: 4},message:"must be <= 4"}];
return false;
}
else {
if(data27 < 1 || isNaN(data27)){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/depth",schemaPath:"#/properties/disks/items/properties/depth/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1"}];
return false;
}
}
}
}
var valid6 = _errs56 === errors;
}
else {
var valid6 = true;
}
if(valid6){
if(data18.root !== undefined){
let data28 = data18.root;
const _errs58 = errors;
if((typeof data28 !== "string") && (data28 !== null)){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/root",schemaPath:"#/properties/disks/items/properties/root/type",keyword:"type",params:{type: schema1.properties.disks.items.properties.root.type},message:"must be string,null"}];
return false;
}
if(errors === _errs58){
if(typeof data28 === "string"){
if(!pattern6.test(data28)){
validate1.errors = [{instancePath:instancePath+"/disks/" + i0+"/root",schemaPath:"#/properties/disks/items/properties/root/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{64}$"},message:"must match pattern \""+"^[0-9a-f]{64}$"+"\""}];
return false;
}
}
}
var valid6 = _errs58 === errors;
}
else {
var valid6 = true;
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/disks/" + i0,schemaPath:"#/properties/disks/items/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid5 = _errs38 === errors;
if(!valid5){
break;
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/disks",schemaPath:"#/properties/disks/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid0 = _errs36 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.packs !== undefined){
let data29 = data.packs;
const _errs60 = errors;
if(errors === _errs60){
if(data29 && typeof data29 == "object" && !Array.isArray(data29)){
let missing4;
if((data29.sha256 === undefined) && (missing4 = "sha256")){
validate1.errors = [{instancePath:instancePath+"/packs",schemaPath:"#/properties/packs/required",keyword:"required",params:{missingProperty: missing4},message:"must have required property '"+missing4+"'"}];
return false;
}
else {
if(data29.sha256 !== undefined){
let data30 = data29.sha256;
const _errs62 = errors;
if(errors === _errs62){
if(typeof data30 === "string"){
if(!pattern6.test(data30)){
validate1.errors = [{instancePath:instancePath+"/packs/sha256",schemaPath:"#/properties/packs/properties/sha256/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{64}$"},message:"must match pattern \""+"^[0-9a-f]{64}$"+"\""}];
return false;
}
}
else {
validate1.errors = [{instancePath:instancePath+"/packs/sha256",schemaPath:"#/properties/packs/properties/sha256/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/packs",schemaPath:"#/properties/packs/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid0 = _errs60 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.previous !== undefined){
let data31 = data.previous;
const _errs64 = errors;
if(errors === _errs64){
if(Array.isArray(data31)){
var valid8 = true;
const len1 = data31.length;
for(let i1=0; i1<len1; i1++){
let data32 = data31[i1];
const _errs66 = errors;
if(errors === _errs66){
if(typeof data32 === "string"){
if(!pattern8.test(data32)){
validate1.errors = [{instancePath:instancePath+"/previous/" + i1,schemaPath:"#/properties/previous/items/pattern",keyword:"pattern",params:{pattern: "^bundles/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{32}\\.pgp$"},message:"must match pattern \""+"^bundles/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{32}\\.pgp$"+"\""}];
return false;
}
}
else {
validate1.errors = [{instancePath:instancePath+"/previous/" + i1,schemaPath:"#/properties/previous/items/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid8 = _errs66 === errors;
if(!valid8){
break;
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/previous",schemaPath:"#/properties/previous/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid0 = _errs64 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.roster !== undefined){
let data33 = data.roster;
const _errs68 = errors;
if(errors === _errs68){
if(data33 && typeof data33 == "object" && !Array.isArray(data33)){
let missing5;
if(((data33.serial === undefined) && (missing5 = "serial")) || ((data33.sha256 === undefined) && (missing5 = "sha256"))){
validate1.errors = [{instancePath:instancePath+"/roster",schemaPath:"#/properties/roster/required",keyword:"required",params:{missingProperty: missing5},message:"must have required property '"+missing5+"'"}];
return false;
}
else {
if(data33.serial !== undefined){
let data34 = data33.serial;
const _errs70 = errors;
if(!(((typeof data34 == "number") && (!(data34 % 1) && !isNaN(data34))) && (isFinite(data34)))){
validate1.errors = [{instancePath:instancePath+"/roster/serial",schemaPath:"#/properties/roster/properties/serial/type",keyword:"type",params:{type: "integer"},message:"must be integer"}];
return false;
}
if(errors === _errs70){
if((typeof data34 == "number") && (isFinite(data34))){
if(data34 < 1 || isNaN(data34)){
validate1.errors = [{instancePath:instancePath+"/roster/serial",schemaPath:"#/properties/roster/properties/serial/minimum",keyword:"minimum",params:{comparison: ">=", limit: 1},message:"must be >= 1"}];
return false;
}
}
}
var valid9 = _errs70 === errors;
}
else {
var valid9 = true;
}
if(valid9){
if(data33.sha256 !== undefined){
let data35 = data33.sha256;
const _errs72 = errors;
if(errors === _errs72){
if(typeof data35 === "string"){
if(!pattern6.test(data35)){
validate1.errors = [{instancePath:instancePath+"/roster/sha256",schemaPath:"#/properties/roster/properties/sha256/pattern",keyword:"pattern",params:{pattern: "^[0-9a-f]{64}$"},message:"must match pattern \""+"^[0-9a-f]{64}$"+"\""}];
return false;
}
}
else {
validate1.errors = [{instancePath:instancePath+"/roster/sha256",schemaPath:"#/properties/roster/properties/sha256/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid9 = _errs72 === errors;
}
else {
var valid9 = true;
}
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/roster",schemaPath:"#/properties/roster/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid0 = _errs68 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.tags !== undefined){
let data36 = data.tags;
const _errs74 = errors;
if(errors === _errs74){
if(Array.isArray(data36)){
var valid10 = true;
const len2 = data36.length;
for(let i2=0; i2<len2; i2++){
let data37 = data36[i2];
const _errs76 = errors;
if(errors === _errs76){
if(typeof data37 === "string"){
if(func0(data37) > 100){
validate1.errors = [{instancePath:instancePath+"/tags/" + i2,schemaPath:"#/properties/tags/items/maxLength",keyword:"maxLength",params:{limit: 100},message:"must NOT have more than 100 characters"}];
return false;
}
else {
if(func0(data37) < 1){
validate1.errors = [{instancePath:instancePath+"/tags/" + i2,schemaPath:"#/properties/tags/items/minLength",keyword:"minLength",params:{limit: 1},message:"must NOT have fewer than 1 characters"}];
return false;
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/tags/" + i2,schemaPath:"#/properties/tags/items/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid10 = _errs76 === errors;
if(!valid10){
break;
}
}
if(valid10){
let i3 = data36.length;
let j0;
if(i3 > 1){
const indices0 = {};
for(;i3--;){
let item0 = data36[i3];
if(typeof item0 !== "string"){
continue;
}
if(typeof indices0[item0] == "number"){
j0 = indices0[item0];
validate1.errors = [{instancePath:instancePath+"/tags",schemaPath:"#/properties/tags/uniqueItems",keyword:"uniqueItems",params:{i: i3, j: j0},message:"must NOT have duplicate items (items ## "+j0+" and "+i3+" are identical)"}];
return false;
break;
}
indices0[item0] = i3;
}
}
}
}
else {
validate1.errors = [{instancePath:instancePath+"/tags",schemaPath:"#/properties/tags/type",keyword:"type",params:{type: "array"},message:"must be array"}];
return false;
}
}
var valid0 = _errs74 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.notes !== undefined){
let data38 = data.notes;
const _errs78 = errors;
if(!(data38 && typeof data38 == "object" && !Array.isArray(data38))){
validate1.errors = [{instancePath:instancePath+"/notes",schemaPath:"#/properties/notes/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
var valid0 = _errs78 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
}
else {
validate1.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
validate1.errors = vErrors;
return errors === 0;
}
validate1.evaluated = {"props":{"format":true,"vault":true,"created":true,"tool":true,"epoch":true,"source":true,"counts":true,"disk_bytes":true,"added_bytes":true,"disks":true,"packs":true,"previous":true,"roster":true,"tags":true,"notes":true},"dynamicProps":false,"dynamicItems":false};

export const document = validate2;
const schema2 = {"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"https://baluchon.dev/schemas/document-1.json","title":"A document of a bundle, of a known kind or not","type":"object","required":["kind","id","name","params","refs","info"],"properties":{"kind":{"type":"string","pattern":"^[a-z0-9][a-z0-9_-]{0,29}$"},"id":{"description":"Unique in the bundle.","type":"string","pattern":"^[a-z0-9][a-z0-9_-]{0,49}$"},"name":{"type":"string"},"params":{"type":"object"},"refs":{"description":"JSON pointer into params -> kind pointed at.","type":"object","additionalProperties":{"type":"string"}},"info":{"type":"object"}}};

function validate2(data, {instancePath="", parentData, parentDataProperty, rootData=data, dynamicAnchors={}}={}){
/*# sourceURL="https://baluchon.dev/schemas/document-1.json" */;
let vErrors = null;
let errors = 0;
const evaluated0 = validate2.evaluated;
if(evaluated0.dynamicProps){
evaluated0.props = undefined;
}
if(evaluated0.dynamicItems){
evaluated0.items = undefined;
}
if(errors === 0){
if(data && typeof data == "object" && !Array.isArray(data)){
let missing0;
if(((((((data.kind === undefined) && (missing0 = "kind")) || ((data.id === undefined) && (missing0 = "id"))) || ((data.name === undefined) && (missing0 = "name"))) || ((data.params === undefined) && (missing0 = "params"))) || ((data.refs === undefined) && (missing0 = "refs"))) || ((data.info === undefined) && (missing0 = "info"))){
validate2.errors = [{instancePath,schemaPath:"#/required",keyword:"required",params:{missingProperty: missing0},message:"must have required property '"+missing0+"'"}];
return false;
}
else {
if(data.kind !== undefined){
let data0 = data.kind;
const _errs1 = errors;
if(errors === _errs1){
if(typeof data0 === "string"){
if(!pattern5.test(data0)){
validate2.errors = [{instancePath:instancePath+"/kind",schemaPath:"#/properties/kind/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9][a-z0-9_-]{0,29}$"},message:"must match pattern \""+"^[a-z0-9][a-z0-9_-]{0,29}$"+"\""}];
return false;
}
}
else {
validate2.errors = [{instancePath:instancePath+"/kind",schemaPath:"#/properties/kind/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid0 = _errs1 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.id !== undefined){
let data1 = data.id;
const _errs3 = errors;
if(errors === _errs3){
if(typeof data1 === "string"){
if(!pattern4.test(data1)){
validate2.errors = [{instancePath:instancePath+"/id",schemaPath:"#/properties/id/pattern",keyword:"pattern",params:{pattern: "^[a-z0-9][a-z0-9_-]{0,49}$"},message:"must match pattern \""+"^[a-z0-9][a-z0-9_-]{0,49}$"+"\""}];
return false;
}
}
else {
validate2.errors = [{instancePath:instancePath+"/id",schemaPath:"#/properties/id/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
}
var valid0 = _errs3 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.name !== undefined){
const _errs5 = errors;
if(typeof data.name !== "string"){
validate2.errors = [{instancePath:instancePath+"/name",schemaPath:"#/properties/name/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid0 = _errs5 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.params !== undefined){
let data3 = data.params;
const _errs7 = errors;
if(!(data3 && typeof data3 == "object" && !Array.isArray(data3))){
validate2.errors = [{instancePath:instancePath+"/params",schemaPath:"#/properties/params/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
var valid0 = _errs7 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.refs !== undefined){
let data4 = data.refs;
const _errs9 = errors;
if(errors === _errs9){
if(data4 && typeof data4 == "object" && !Array.isArray(data4)){
for(const key0 in data4){
const _errs12 = errors;
if(typeof data4[key0] !== "string"){
validate2.errors = [{instancePath:instancePath+"/refs/" + key0.replace(/~/g, "~0").replace(/\//g, "~1"),schemaPath:"#/properties/refs/additionalProperties/type",keyword:"type",params:{type: "string"},message:"must be string"}];
return false;
}
var valid1 = _errs12 === errors;
if(!valid1){
break;
}
}
}
else {
validate2.errors = [{instancePath:instancePath+"/refs",schemaPath:"#/properties/refs/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
var valid0 = _errs9 === errors;
}
else {
var valid0 = true;
}
if(valid0){
if(data.info !== undefined){
let data6 = data.info;
const _errs14 = errors;
if(!(data6 && typeof data6 == "object" && !Array.isArray(data6))){
validate2.errors = [{instancePath:instancePath+"/info",schemaPath:"#/properties/info/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
var valid0 = _errs14 === errors;
}
else {
var valid0 = true;
}
}
}
}
}
}
}
}
else {
validate2.errors = [{instancePath,schemaPath:"#/type",keyword:"type",params:{type: "object"},message:"must be object"}];
return false;
}
}
validate2.errors = vErrors;
return errors === 0;
}
validate2.evaluated = {"props":{"kind":true,"id":true,"name":true,"params":true,"refs":true,"info":true},"dynamicProps":false,"dynamicItems":false};

