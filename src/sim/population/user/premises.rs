//! What a user has from the directory on the premises, and what went wrong on the way.

use super::super::chance::{below, one_in, pick};
use super::super::json::{NOW, moment, moment_fine, number, put, text};
use super::super::words::DIVISIONS;
use super::{Field, Row};

/// The second extension attribute, unset.
pub(in super::super) const EXTENSION_ATTRIBUTES_NONE: &str = ",\"extensionAttribute2\":null";

/// The other extension attributes, unset, and the end of the structure.
pub(in super::super) const EXTENSION_ATTRIBUTES_REST: &str = ",\"extensionAttribute3\":null,\"extensionAttribute4\":null,\
    \"extensionAttribute5\":null,\"extensionAttribute6\":null,\"extensionAttribute7\":null,\
    \"extensionAttribute8\":null,\"extensionAttribute9\":null,\"extensionAttribute10\":null,\
    \"extensionAttribute11\":null,\"extensionAttribute12\":null,\"extensionAttribute13\":null,\
    \"extensionAttribute14\":null,\"extensionAttribute15\":null}";

impl Row<'_> {
    pub(super) fn put_on_premises(&self, field: Field, out: &mut Vec<u8>) {
        let (account, roll) = (&self.account, self.roll(field));
        match field {
            Field::OnPremisesExtensionAttributes => self.put_extension_attributes(roll, out),
            Field::OnPremisesProvisioningErrors | Field::ServiceProvisioningErrors => {
                self.put_errors(field, out);
            }
            _ if !self.synced => put!(out, "null"),
            Field::OnPremisesDistinguishedName => {
                put!(out, "\"CN=", account.person.family.0, "\\\\, ", account.person.given.0);
                put!(out, ",OU=Users,OU=", account.place.code, ",DC=contoso,DC=example\"");
            }
            Field::OnPremisesDomainName => text(out, "contoso.example"),
            Field::OnPremisesImmutableId => self.put_immutable_id(roll, out),
            Field::OnPremisesLastSyncDateTime => moment(out, NOW - below(roll, 1_800) as i64),
            Field::OnPremisesSamAccountName => text(out, account.local),
            Field::OnPremisesSecurityIdentifier => {
                put!(out, "\"S-1-5-21-3623811015-3361044348-30300820-");
                number(out, account.index + 1_013);
                put!(out, "\"");
            }
            Field::OnPremisesSyncEnabled => put!(out, "true"),
            _ => put!(out, "\"", account.local, "@contoso.example\""),
        }
    }

    /// Base64 of 16 bytes: 22 characters and two signs.
    fn put_immutable_id(&self, roll: u64, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut shown = *b"\"AAAAAAAAAAAAAAAAAAAAAA==\"";
        let mut bits = u128::from(roll) << 64 | u128::from(roll.wrapping_mul(roll | 1));
        for character in &mut shown[1..22] {
            *character = DIGITS[(bits & 63) as usize];
            bits >>= 6;
        }
        shown[22] = b"AQgw"[(bits & 3) as usize];
        out.extend_from_slice(&shown);
    }

    fn put_extension_attributes(&self, roll: u64, out: &mut Vec<u8>) {
        put!(out, "{\"extensionAttribute1\":");
        if self.synced {
            text(out, pick(roll, DIVISIONS))
        } else {
            put!(out, "null")
        }
        put!(out, ",\"extensionAttribute2\":");
        if self.synced && one_in(roll, 4) {
            put!(out, "\"");
            number(out, roll >> 44);
            put!(out, "\"");
        } else {
            put!(out, "null");
        }
        put!(out, EXTENSION_ATTRIBUTES_REST);
    }

    fn put_errors(&self, field: Field, out: &mut Vec<u8>) {
        if !self.per_mille(field, 4) {
            return put!(out, "[]");
        }
        if field == Field::ServiceProvisioningErrors {
            put!(out, "[{\"@odata.type\":\"#microsoft.graph.serviceProvisioningXmlError\"");
            put!(out, ",\"createdDateTime\":");
            moment_fine(out, self.since_created(field), self.roll(field) % 10_000_000);
            put!(out, ",\"isResolved\":false,\"serviceInstance\":\"exchange\\/namprd04-001-01\"");
            put!(out, ",\"errorDetail\":\"<e code=\\\"ExB10BE9\\\">\\n<\\/e>\"}]");
        } else {
            put!(out, "[{\"category\":\"PropertyConflict\",\"occurredDateTime\":");
            moment_fine(out, self.since_created(field), self.roll(field) % 10_000_000);
            put!(out, ",\"propertyCausingError\":\"ProxyAddresses\",\"value\":\"smtp:");
            put!(out, self.account.local, "@contoso.example\"}]");
        }
    }
}
