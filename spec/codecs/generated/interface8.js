// Made of interface.proto by pbjs and pbts of protobufjs-cli 2.7.1, with the import of protobufjs set to version 8.
/*eslint-disable block-scoped-var, id-length, no-control-regex, no-magic-numbers, no-mixed-operators, no-prototype-builtins, no-redeclare, no-shadow, no-var, sort-vars, default-case, jsdoc/require-param*/
import $protobuf from 'protobufjs/minimal.js';

const $Reader = $protobuf.Reader, $Writer = $protobuf.Writer, $util = $protobuf.util;
const $Object = $util.global.Object, $undefined = $util.global.undefined, $Error = $util.global.Error, $RangeError = $util.global.RangeError, $TypeError = $util.global.TypeError, $String = $util.global.String, $Number = $util.global.Number, $Array = $util.global.Array, $parseInt = $util.global.parseInt, $BigInt = $util.global.BigInt, $isFinite = $util.global.isFinite;

const $root = $protobuf.roots["default"] || ($protobuf.roots["default"] = {});

export const net = $root.net = (() => {

    const net = {};

    net.State = (function() {
        const valuesById = $Object.create(null), values = $Object.create(valuesById);
        values[valuesById[0] = "UNKNOWN"] = 0;
        values[valuesById[1] = "UP"] = 1;
        values[valuesById[2] = "DOWN"] = 2;
        return values;
    })();

    net.Address = (function() {

        const Address = function (properties) {
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        Address.prototype.ip = "";
        Address.prototype.bits = 0;

        Address.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.ip != null && $Object.hasOwnProperty.call(message, "ip") && message.ip !== "")
                writer.uint32(10).string(message.ip);
            if (message.bits != null && $Object.hasOwnProperty.call(message, "bits") && message.bits !== 0)
                writer.uint32(16).uint32(message.bits);
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        Address.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.net.Address();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.ip = value;
                        else
                            delete message.ip;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.uint32())
                            message.bits = value;
                        else
                            delete message.bits;
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        Address.verify = function (message, _depth) {
            if (typeof message !== "object" || message === null)
                return "object expected";
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                return "max depth exceeded";
            if (message.ip != null && $Object.hasOwnProperty.call(message, "ip"))
                if (!$util.isString(message.ip))
                    return "ip: string expected";
            if (message.bits != null && $Object.hasOwnProperty.call(message, "bits"))
                if (!$util.isInteger(message.bits))
                    return "bits: integer expected";
            return null;
        };

        Address.fromObject = function (object, _depth) {
            if (object instanceof $root.net.Address)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".net.Address: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.net.Address();
            if (object.ip != null)
                if (typeof object.ip !== "string" || object.ip.length)
                    message.ip = $String(object.ip);
            if (object.bits != null)
                if ($Number(object.bits) !== 0)
                    message.bits = object.bits >>> 0;
            return message;
        };

        Address.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.defaults) {
                object.ip = "";
                object.bits = 0;
            }
            if (message.ip != null && $Object.hasOwnProperty.call(message, "ip"))
                object.ip = message.ip;
            if (message.bits != null && $Object.hasOwnProperty.call(message, "bits"))
                object.bits = message.bits;
            return object;
        };

        Address.prototype.toJSON = function() {
            return Address.toObject(this, $protobuf.util.toJSONOptions);
        };

        return Address;
    })();

    net.Interface = (function() {

        const Interface = function (properties) {
            this.addresses = [];
            this.limits = {};
            if (properties)
                for (let keys = $Object.keys(properties), i = 0; i < keys.length; ++i)
                    if (properties[keys[i]] != null && keys[i] !== "__proto__")
                        this[keys[i]] = properties[keys[i]];
        };

        Interface.prototype.name = "";
        Interface.prototype.mtuSize = 0;
        Interface.prototype.counter = $util.Long ? $util.Long.fromBits(0,0,true) : 0;
        Interface.prototype.mac = $util.newBuffer([]);
        Interface.prototype.state = 0;
        Interface.prototype.addresses = $util.emptyArray;
        Interface.prototype.limits = $util.emptyObject;
        Interface.prototype.vrf = null;
        Interface.prototype.tap = null;
        Interface.prototype.tunnel = null;
        Interface.prototype.load = 0;
        Interface.prototype.gateway = null;

        let $oneOfFields;

        // Virtual OneOf for proto3 optional field
        $Object.defineProperty(Interface.prototype, "_vrf", {
            get: $util.oneOfGetter($oneOfFields = ["vrf"]),
            set: $util.oneOfSetter($oneOfFields)
        });

        $Object.defineProperty(Interface.prototype, "kind", {
            get: $util.oneOfGetter($oneOfFields = ["tap", "tunnel"]),
            set: $util.oneOfSetter($oneOfFields)
        });

        Interface.encode = function (message, writer, _depth) {
            if (!writer)
                writer = $Writer.create();
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            if (message.name != null && $Object.hasOwnProperty.call(message, "name") && message.name !== "")
                writer.uint32(10).string(message.name);
            if (message.mtuSize != null && $Object.hasOwnProperty.call(message, "mtuSize") && message.mtuSize !== 0)
                writer.uint32(16).int32(message.mtuSize);
            if (message.counter != null && $Object.hasOwnProperty.call(message, "counter") && (typeof message.counter === "object" ? message.counter.low || message.counter.high : message.counter !== 0))
                writer.uint32(24).uint64(message.counter);
            if (message.mac != null && $Object.hasOwnProperty.call(message, "mac") && message.mac.length)
                writer.uint32(34).bytes(message.mac);
            if (message.state != null && $Object.hasOwnProperty.call(message, "state") && message.state !== 0)
                writer.uint32(40).int32(message.state);
            if (message.addresses != null && message.addresses.length)
                for (let i = 0; i < message.addresses.length; ++i)
                    $root.net.Address.encode(message.addresses[i], writer.uint32(50).fork(), _depth + 1).ldelim();
            if (message.limits != null && $Object.hasOwnProperty.call(message, "limits"))
                for (let keys = $Object.keys(message.limits), i = 0; i < keys.length; ++i)
                    writer.uint32(58).fork().uint32(10).string(keys[i]).uint32(16).int64(message.limits[keys[i]]).ldelim();
            if (message.vrf != null && $Object.hasOwnProperty.call(message, "vrf"))
                writer.uint32(66).string(message.vrf);
            if (message.tap != null && $Object.hasOwnProperty.call(message, "tap"))
                writer.uint32(74).string(message.tap);
            if (message.tunnel != null && $Object.hasOwnProperty.call(message, "tunnel"))
                $root.net.Address.encode(message.tunnel, writer.uint32(82).fork(), _depth + 1).ldelim();
            if (message.load != null && $Object.hasOwnProperty.call(message, "load") && !$Object.is(message.load, 0))
                writer.uint32(93).float(message.load);
            if (message.gateway != null && $Object.hasOwnProperty.call(message, "gateway"))
                $root.net.Address.encode(message.gateway, writer.uint32(98).fork(), _depth + 1).ldelim();
            if (message.$unknowns != null && $Object.hasOwnProperty.call(message, "$unknowns"))
                for (let i = 0; i < message.$unknowns.length; ++i)
                    writer.raw(message.$unknowns[i]);
            return writer;
        };

        Interface.decode = function (reader, length, _end, _depth, _target) {
            if (!(reader instanceof $Reader))
                reader = $Reader.create(reader);
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $Reader.recursionLimit)
                throw $Error("max depth exceeded");
            let end, message, key, value;
            if (length === $undefined)
                end = reader.len;
            else {
                end = reader.pos + length;
                if (end > reader.len)
                    throw $RangeError("index out of range");
                length = reader.len;
                reader.len = end;
            }
            message = _target || new $root.net.Interface();
            while (reader.pos < end) {
                let start = reader.pos;
                let tag = reader.tag();
                if (tag === _end) {
                    _end = $undefined;
                    break;
                }
                let wireType = tag & 7;
                switch (tag >>>= 3) {
                case 1: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.stringVerify()).length)
                            message.name = value;
                        else
                            delete message.name;
                        continue;
                    }
                case 2: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.mtuSize = value;
                        else
                            delete message.mtuSize;
                        continue;
                    }
                case 3: {
                        if (wireType !== 0)
                            break;
                        if (typeof (value = reader.uint64()) === "object" ? value.low || value.high : value !== 0)
                            message.counter = value;
                        else
                            delete message.counter;
                        continue;
                    }
                case 4: {
                        if (wireType !== 2)
                            break;
                        if ((value = reader.bytes()).length)
                            message.mac = value;
                        else
                            delete message.mac;
                        continue;
                    }
                case 5: {
                        if (wireType !== 0)
                            break;
                        if (value = reader.int32())
                            message.state = value;
                        else
                            delete message.state;
                        continue;
                    }
                case 6: {
                        if (wireType !== 2)
                            break;
                        if (!(message.addresses && message.addresses.length))
                            message.addresses = [];
                        message.addresses.push($root.net.Address.decode(reader, reader.size(), $undefined, _depth + 1));
                        continue;
                    }
                case 7: {
                        if (wireType !== 2)
                            break;
                        if (message.limits === $util.emptyObject)
                            message.limits = {};
                        let end2 = reader.size() + reader.pos;
                        if (end2 > reader.len)
                            throw $RangeError("index out of range");
                        reader.len = end2;
                        key = "";
                        value = $util.Long ? $util.Long.fromNumber(0, false) : 0;
                        while (reader.pos < end2) {
                            let tag2 = reader.tag();
                            wireType = tag2 & 7;
                            switch (tag2 >>>= 3) {
                            case 1:
                                if (wireType !== 2)
                                    break;
                                key = reader.stringVerify();
                                continue;
                            case 2:
                                if (wireType !== 0)
                                    break;
                                value = reader.int64();
                                continue;
                            }
                            reader.skipType(wireType, _depth, tag2);
                        }
                        if (reader.pos !== end2)
                            throw $RangeError("index out of range");
                        reader.len = end;
                        if (key === "__proto__")
                            $util.makeProp(message.limits, key);
                        message.limits[key] = value;
                        continue;
                    }
                case 8: {
                        if (wireType !== 2)
                            break;
                        message.vrf = reader.stringVerify();
                        message._vrf = "vrf";
                        continue;
                    }
                case 9: {
                        if (wireType !== 2)
                            break;
                        message.tap = reader.stringVerify();
                        message.kind = "tap";
                        continue;
                    }
                case 10: {
                        if (wireType !== 2)
                            break;
                        message.tunnel = $root.net.Address.decode(reader, reader.size(), $undefined, _depth + 1, message.tunnel);
                        message.kind = "tunnel";
                        continue;
                    }
                case 11: {
                        if (wireType !== 5)
                            break;
                        if (!$Object.is(value = reader.float(), 0))
                            message.load = value;
                        else
                            delete message.load;
                        continue;
                    }
                case 12: {
                        if (wireType !== 2)
                            break;
                        message.gateway = $root.net.Address.decode(reader, reader.size(), $undefined, _depth + 1, message.gateway);
                        continue;
                    }
                }
                reader.skipType(wireType, _depth, tag);
                if (!reader.discardUnknown) {
                    $util.makeProp(message, "$unknowns", false);
                    (message.$unknowns || (message.$unknowns = [])).push(reader.raw(start, reader.pos));
                }
            }
            if (length !== $undefined) {
                if (reader.pos !== end)
                    throw $RangeError("index out of range");
                reader.len = length;
            }
            if (_end !== $undefined)
                throw $Error("missing end group");
            return message;
        };

        Interface.verify = function (message, _depth) {
            if (typeof message !== "object" || message === null)
                return "object expected";
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                return "max depth exceeded";
            let properties = {};
            if (message.name != null && $Object.hasOwnProperty.call(message, "name"))
                if (!$util.isString(message.name))
                    return "name: string expected";
            if (message.mtuSize != null && $Object.hasOwnProperty.call(message, "mtuSize"))
                if (!$util.isInteger(message.mtuSize))
                    return "mtuSize: integer expected";
            if (message.counter != null && $Object.hasOwnProperty.call(message, "counter"))
                if (!$util.isInteger(message.counter) && !(message.counter && $util.isInteger(message.counter.low) && $util.isInteger(message.counter.high)))
                    return "counter: integer|Long expected";
            if (message.mac != null && $Object.hasOwnProperty.call(message, "mac"))
                if (!(message.mac && typeof message.mac.length === "number" || $util.isString(message.mac)))
                    return "mac: buffer expected";
            if (message.state != null && $Object.hasOwnProperty.call(message, "state"))
                if (typeof message.state !== "number" || (message.state | 0) !== message.state)
                    return "state: enum value expected";
            if (message.addresses != null && $Object.hasOwnProperty.call(message, "addresses")) {
                if (!$Array.isArray(message.addresses))
                    return "addresses: array expected";
                for (let i = 0; i < message.addresses.length; ++i) {
                    let error = $root.net.Address.verify(message.addresses[i], _depth + 1);
                    if (error)
                        return "addresses." + error;
                }
            }
            if (message.limits != null && $Object.hasOwnProperty.call(message, "limits")) {
                if (!$util.isObject(message.limits))
                    return "limits: object expected";
                let key = $Object.keys(message.limits);
                for (let i = 0; i < key.length; ++i)
                    if (!$util.isInteger(message.limits[key[i]]) && !(message.limits[key[i]] && $util.isInteger(message.limits[key[i]].low) && $util.isInteger(message.limits[key[i]].high)))
                        return "limits: integer|Long{k:string} expected";
            }
            if (message.vrf != null && $Object.hasOwnProperty.call(message, "vrf")) {
                properties._vrf = 1;
                if (!$util.isString(message.vrf))
                    return "vrf: string expected";
            }
            if (message.tap != null && $Object.hasOwnProperty.call(message, "tap")) {
                properties.kind = 1;
                if (!$util.isString(message.tap))
                    return "tap: string expected";
            }
            if (message.tunnel != null && $Object.hasOwnProperty.call(message, "tunnel")) {
                if (properties.kind === 1)
                    return "kind: multiple values";
                properties.kind = 1;
                {
                    let error = $root.net.Address.verify(message.tunnel, _depth + 1);
                    if (error)
                        return "tunnel." + error;
                }
            }
            if (message.load != null && $Object.hasOwnProperty.call(message, "load"))
                if (typeof message.load !== "number")
                    return "load: number expected";
            if (message.gateway != null && $Object.hasOwnProperty.call(message, "gateway")) {
                let error = $root.net.Address.verify(message.gateway, _depth + 1);
                if (error)
                    return "gateway." + error;
            }
            return null;
        };

        Interface.fromObject = function (object, _depth) {
            if (object instanceof $root.net.Interface)
                return object;
            if (!$util.isObject(object))
                throw $TypeError(".net.Interface: object expected");
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let message = new $root.net.Interface();
            if (object.name != null)
                if (typeof object.name !== "string" || object.name.length)
                    message.name = $String(object.name);
            if (object.mtuSize != null)
                if ($Number(object.mtuSize) !== 0)
                    message.mtuSize = object.mtuSize | 0;
            if (object.counter != null)
                if (typeof object.counter === "object" ? object.counter.low || object.counter.high : $Number(object.counter) !== 0)
                    if ($util.Long)
                        message.counter = $util.Long.fromValue(object.counter, true);
                    else if (typeof object.counter === "string")
                        message.counter = $parseInt(object.counter, 10);
                    else if (typeof object.counter === "number")
                        message.counter = object.counter;
                    else if (typeof object.counter === "object")
                        message.counter = new $util.LongBits(object.counter.low >>> 0, object.counter.high >>> 0).toNumber(true);
            if (object.mac != null)
                if (object.mac.length)
                    if (typeof object.mac === "string")
                        $util.base64.decode(object.mac, message.mac = $util.newBuffer($util.base64.length(object.mac)), 0);
                    else if (object.mac.length >= 0)
                        message.mac = object.mac;
            if (object.state !== 0 && (typeof object.state !== "string" || $root.net.State[object.state] !== 0))
                switch (object.state) {
                case "UNKNOWN":
                case 0:
                    message.state = 0;
                    break;
                case "UP":
                case 1:
                    message.state = 1;
                    break;
                case "DOWN":
                case 2:
                    message.state = 2;
                    break;
                default:
                    if (typeof object.state === "number" && (object.state | 0) === object.state)
                        message.state = object.state;
                }
            if (object.addresses) {
                if (!$Array.isArray(object.addresses))
                    throw $TypeError(".net.Interface.addresses: array expected");
                message.addresses = $Array(object.addresses.length);
                for (let i = 0; i < object.addresses.length; ++i) {
                    if (!$util.isObject(object.addresses[i]))
                        throw $TypeError(".net.Interface.addresses: object expected");
                    message.addresses[i] = $root.net.Address.fromObject(object.addresses[i], _depth + 1);
                }
            }
            if (object.limits) {
                if (!$util.isObject(object.limits))
                    throw $TypeError(".net.Interface.limits: object expected");
                message.limits = {};
                for (let keys = $Object.keys(object.limits), i = 0; i < keys.length; ++i) {
                    if (keys[i] === "__proto__")
                        $util.makeProp(message.limits, keys[i]);
                    if ($util.Long)
                        message.limits[keys[i]] = $util.Long.fromValue(object.limits[keys[i]], false);
                    else if (typeof object.limits[keys[i]] === "string")
                        message.limits[keys[i]] = $parseInt(object.limits[keys[i]], 10);
                    else if (typeof object.limits[keys[i]] === "number")
                        message.limits[keys[i]] = object.limits[keys[i]];
                    else if (typeof object.limits[keys[i]] === "object")
                        message.limits[keys[i]] = new $util.LongBits(object.limits[keys[i]].low >>> 0, object.limits[keys[i]].high >>> 0).toNumber();
                }
            }
            if (object.vrf != null)
                message.vrf = $String(object.vrf);
            if (object.tap != null)
                message.tap = $String(object.tap);
            if (object.tunnel != null) {
                if (!$util.isObject(object.tunnel))
                    throw $TypeError(".net.Interface.tunnel: object expected");
                message.tunnel = $root.net.Address.fromObject(object.tunnel, _depth + 1);
            }
            if (object.load != null)
                if (!$Object.is($Number(object.load), 0))
                    message.load = $Number(object.load);
            if (object.gateway != null) {
                if (!$util.isObject(object.gateway))
                    throw $TypeError(".net.Interface.gateway: object expected");
                message.gateway = $root.net.Address.fromObject(object.gateway, _depth + 1);
            }
            return message;
        };

        Interface.toObject = function (message, options, _depth) {
            if (!options)
                options = {};
            if (_depth === $undefined)
                _depth = 0;
            if (_depth > $util.recursionLimit)
                throw $Error("max depth exceeded");
            let object = {};
            if (options.arrays || options.defaults)
                object.addresses = [];
            if (options.objects || options.defaults)
                object.limits = {};
            if (options.defaults) {
                object.name = "";
                object.mtuSize = 0;
                if ($util.Long) {
                    let long = new $util.Long(0, 0, true);
                    object.counter = options.longs === $String ? long.toString() : options.longs === $Number ? long.toNumber() : typeof $BigInt !== "undefined" && options.longs === $BigInt ? long.toBigInt() : long;
                } else
                    object.counter = options.longs === $String ? "0" : typeof $BigInt !== "undefined" && options.longs === $BigInt ? $BigInt("0") : 0;
                if (options.bytes === $String)
                    object.mac = "";
                else {
                    object.mac = [];
                    if (options.bytes !== $Array)
                        object.mac = $util.newBuffer(object.mac);
                }
                object.state = options.enums === $String ? "UNKNOWN" : 0;
                object.load = 0;
                object.gateway = null;
            }
            if (message.name != null && $Object.hasOwnProperty.call(message, "name"))
                object.name = message.name;
            if (message.mtuSize != null && $Object.hasOwnProperty.call(message, "mtuSize"))
                object.mtuSize = message.mtuSize;
            if (message.counter != null && $Object.hasOwnProperty.call(message, "counter"))
                if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                    object.counter = typeof message.counter === "number" ? $BigInt(message.counter) : $util.Long.fromBits(message.counter.low >>> 0, message.counter.high >>> 0, true).toBigInt();
                else if (typeof message.counter === "number")
                    object.counter = options.longs === $String ? $String(message.counter) : message.counter;
                else
                    object.counter = options.longs === $String ? $util.Long.prototype.toString.call(message.counter) : options.longs === $Number ? new $util.LongBits(message.counter.low >>> 0, message.counter.high >>> 0).toNumber(true) : message.counter;
            if (message.mac != null && $Object.hasOwnProperty.call(message, "mac"))
                object.mac = options.bytes === $String ? $util.base64.encode(message.mac, 0, message.mac.length) : options.bytes === $Array ? $Array.prototype.slice.call(message.mac) : message.mac;
            if (message.state != null && $Object.hasOwnProperty.call(message, "state"))
                object.state = options.enums === $String ? $root.net.State[message.state] === $undefined ? message.state : $root.net.State[message.state] : message.state;
            if (message.addresses && message.addresses.length) {
                object.addresses = $Array(message.addresses.length);
                for (let j = 0; j < message.addresses.length; ++j)
                    object.addresses[j] = $root.net.Address.toObject(message.addresses[j], options, _depth + 1);
            }
            let keys2;
            if (message.limits && (keys2 = $Object.keys(message.limits)).length) {
                object.limits = {};
                for (let j = 0; j < keys2.length; ++j) {
                    if (keys2[j] === "__proto__")
                        $util.makeProp(object.limits, keys2[j]);
                    if (typeof $BigInt !== "undefined" && options.longs === $BigInt)
                        object.limits[keys2[j]] = typeof message.limits[keys2[j]] === "number" ? $BigInt(message.limits[keys2[j]]) : $util.Long.fromBits(message.limits[keys2[j]].low >>> 0, message.limits[keys2[j]].high >>> 0, false).toBigInt();
                    else if (typeof message.limits[keys2[j]] === "number")
                        object.limits[keys2[j]] = options.longs === $String ? $String(message.limits[keys2[j]]) : message.limits[keys2[j]];
                    else
                        object.limits[keys2[j]] = options.longs === $String ? $util.Long.prototype.toString.call(message.limits[keys2[j]]) : options.longs === $Number ? new $util.LongBits(message.limits[keys2[j]].low >>> 0, message.limits[keys2[j]].high >>> 0).toNumber() : message.limits[keys2[j]];
                }
            }
            if (message.vrf != null && $Object.hasOwnProperty.call(message, "vrf"))
                object.vrf = message.vrf;
            if (message.tap != null && $Object.hasOwnProperty.call(message, "tap")) {
                object.tap = message.tap;
                if (options.oneofs)
                    object.kind = "tap";
            }
            if (message.tunnel != null && $Object.hasOwnProperty.call(message, "tunnel")) {
                object.tunnel = $root.net.Address.toObject(message.tunnel, options, _depth + 1);
                if (options.oneofs)
                    object.kind = "tunnel";
            }
            if (message.load != null && $Object.hasOwnProperty.call(message, "load"))
                object.load = options.json && !$isFinite(message.load) ? $String(message.load) : message.load;
            if (message.gateway != null && $Object.hasOwnProperty.call(message, "gateway"))
                object.gateway = $root.net.Address.toObject(message.gateway, options, _depth + 1);
            return object;
        };

        Interface.prototype.toJSON = function() {
            return Interface.toObject(this, $protobuf.util.toJSONOptions);
        };

        return Interface;
    })();

    return net;
})();

export {
  $root as default
};
