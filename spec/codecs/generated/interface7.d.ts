// Made of interface.proto by pbjs and pbts of protobufjs-cli 1.3.3, with the import of protobufjs set to version 7.
import type * as $protobuf from 'protobufjs-7';
import Long = require("long");
export namespace net {

    enum State {
        UNKNOWN = 0,
        UP = 1,
        DOWN = 2
    }

    interface IAddress {
        ip?: (string|null);
        bits?: (number|null);
    }

    class Address implements IAddress {
        constructor(properties?: net.IAddress);
        public ip: string;
        public bits: number;
        public static encode(message: net.IAddress, writer?: $protobuf.Writer): $protobuf.Writer;
        public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): net.Address;
        public static verify(message: { [k: string]: any }): (string|null);
        public static fromObject(object: { [k: string]: any }): net.Address;
        public static toObject(message: net.Address, options?: $protobuf.IConversionOptions): { [k: string]: any };
        public toJSON(): { [k: string]: any };
    }

    interface IInterface {
        name?: (string|null);
        mtuSize?: (number|null);
        counter?: (number|Long|null);
        mac?: (Uint8Array|null);
        state?: (net.State|null);
        addresses?: (net.IAddress[]|null);
        limits?: ({ [k: string]: (number|Long) }|null);
        vrf?: (string|null);
        tap?: (string|null);
        tunnel?: (net.IAddress|null);
        load?: (number|null);
        gateway?: (net.IAddress|null);
    }

    class Interface implements IInterface {
        constructor(properties?: net.IInterface);
        public name: string;
        public mtuSize: number;
        public counter: (number|Long);
        public mac: Uint8Array;
        public state: net.State;
        public addresses: net.IAddress[];
        public limits: { [k: string]: (number|Long) };
        public vrf?: (string|null);
        public tap?: (string|null);
        public tunnel?: (net.IAddress|null);
        public load: number;
        public gateway?: (net.IAddress|null);
        public kind?: ("tap"|"tunnel");
        public static encode(message: net.IInterface, writer?: $protobuf.Writer): $protobuf.Writer;
        public static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): net.Interface;
        public static verify(message: { [k: string]: any }): (string|null);
        public static fromObject(object: { [k: string]: any }): net.Interface;
        public static toObject(message: net.Interface, options?: $protobuf.IConversionOptions): { [k: string]: any };
        public toJSON(): { [k: string]: any };
    }
}
