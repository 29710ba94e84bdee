// Made of interface.proto by pbjs and pbts of protobufjs-cli 2.7.1, with the import of protobufjs set to version 8.
import type * as $protobuf from 'protobufjs';
import Long = require("long");

export namespace net {

    enum State {
        UNKNOWN = 0,
        UP = 1,
        DOWN = 2
    }

    interface IAddress extends net.Address.$Properties {
    }

    class Address {
        constructor(properties?: net.Address.$Properties);
        $unknowns?: Uint8Array[];
        ip: string;
        bits: number;
        static encode(message: net.Address.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): net.Address & net.Address.$Shape;
        static verify(message: { [k: string]: any }): (string|null);
        static fromObject(object: { [k: string]: any }): net.Address;
        static toObject(message: net.Address, options?: $protobuf.IConversionOptions): { [k: string]: any };
        toJSON(): { [k: string]: any };
    }

    namespace Address {
        interface $Properties {
            ip?: (string|null);
            bits?: (number|null);
            $unknowns?: Uint8Array[];
        }
        type $Shape = net.Address.$Properties;
    }

    interface IInterface extends net.Interface.$Properties {
    }

    class Interface {
        constructor(properties?: net.Interface.$Properties);
        $unknowns?: Uint8Array[];
        name: string;
        mtuSize: number;
        counter: (number|Long);
        mac: Uint8Array;
        state: net.State;
        addresses: net.Address.$Properties[];
        limits: { [k: string]: (number|Long) };
        vrf?: (string|null);
        tap?: (string|null);
        tunnel?: (net.Address.$Properties|null);
        load: number;
        gateway?: (net.Address.$Properties|null);
        kind?: ("tap"|"tunnel");
        static encode(message: net.Interface.$Properties, writer?: $protobuf.Writer): $protobuf.Writer;
        static decode(reader: ($protobuf.Reader|Uint8Array), length?: number): net.Interface & net.Interface.$Shape;
        static verify(message: { [k: string]: any }): (string|null);
        static fromObject(object: { [k: string]: any }): net.Interface;
        static toObject(message: net.Interface, options?: $protobuf.IConversionOptions): { [k: string]: any };
        toJSON(): { [k: string]: any };
    }

    namespace Interface {
        interface $Properties {
            name?: (string|null);
            mtuSize?: (number|null);
            counter?: (number|Long|null);
            mac?: (Uint8Array|null);
            state?: (net.State|null);
            addresses?: (net.Address.$Properties[]|null);
            limits?: ({ [k: string]: (number|Long) }|null);
            vrf?: (string|null);
            tap?: (string|null);
            tunnel?: (net.Address.$Properties|null);
            load?: (number|null);
            gateway?: (net.Address.$Properties|null);
            kind?: ("tap"|"tunnel");
            $unknowns?: Uint8Array[];
        }
        type $Shape = {
          name?: string|null;
          mtuSize?: number|null;
          counter?: number|Long|null;
          mac?: Uint8Array|null;
          state?: net.State|null;
          addresses?: net.Address.$Shape[]|null;
          limits?: { [k: string]: number|Long }|null;
          vrf?: string|null;
          tap?: string|null;
          tunnel?: net.Address.$Shape|null;
          load?: number|null;
          gateway?: net.Address.$Shape|null;
          $unknowns?: Uint8Array[];
        } & (
          ({ kind?: undefined; tap?: null; tunnel?: null }|{ kind?: "tap"; tap: string; tunnel?: null }|{ kind?: "tunnel"; tap?: null; tunnel: net.Address.$Shape })
        );
    }
}
