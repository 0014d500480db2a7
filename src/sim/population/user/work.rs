//! Where a user sits and what a user does; the directory extensions of users.

use super::super::account::write_phone;
use super::super::chance::{below, one_in, pick, turned};
use super::super::json::{
    DAY, FOREVER, NEVER, NOW, boolean, digits, moment, number, put, text, text_or_null,
};
use super::super::words::{COMPANIES, DEPARTMENTS, DIVISIONS, EMPLOYEE_TYPES, JOBS};
use super::{Field, Row};

impl Row<'_> {
    pub(super) fn put_place(&self, field: Field, out: &mut Vec<u8>) {
        let place = self.account.place;
        let roll = self.roll(field);
        // One in 16 has no address at all, and guests seldom have one.
        let known = !one_in(self.roll(Field::City), 16) && !self.account.guest;
        match field {
            Field::BusinessPhones if known && !one_in(roll, 4) => {
                out.push(b'[');
                write_phone(place, roll, out);
                out.push(b']');
            }
            Field::BusinessPhones => put!(out, "[]"),
            Field::MobilePhone if one_in(roll, 3) => write_phone(place, roll, out),
            Field::OfficeLocation if known => {
                put!(out, "\"");
                number(out, 1 + below(roll, 120));
                put!(out, "\\/");
                number(out, 1_000 + roll % 5_000);
                put!(out, "\"");
            }
            Field::FaxNumber if one_in(roll, 60) => write_phone(place, roll, out),
            Field::PreferredDataLocation if one_in(roll, 50) => text(out, "EUR"),
            Field::PreferredLanguage if known => text_or_null(out, place.language),
            Field::UsageLocation if !self.account.guest => text(out, place.code),
            Field::City if known => text(out, place.city),
            Field::Country if known => text(out, place.country),
            Field::PostalCode if known => text(out, place.postal),
            Field::State if known => text_or_null(out, place.state),
            Field::StreetAddress if known => text(out, place.street),
            _ => put!(out, "null"),
        }
    }

    pub(super) fn put_work(&self, field: Field, out: &mut Vec<u8>) {
        let roll = self.roll(field);
        let guest = self.account.guest;
        match field {
            Field::CompanyName if guest => text(out, self.account.domain),
            Field::CompanyName => text(out, pick(roll, COMPANIES)),
            Field::Department if !guest => text(out, turned(roll, DEPARTMENTS, self.account.moves)),
            Field::JobTitle if !guest && !one_in(roll, 20) => text(out, pick(roll, JOBS)),
            Field::EmployeeId if !guest => {
                put!(out, "\"E");
                digits(out, self.account.index * 7 + 100_000, 8);
                put!(out, "\"");
            }
            Field::EmployeeType if !guest => text(out, pick(roll, EMPLOYEE_TYPES)),
            Field::EmployeeHireDate if !guest && one_in(roll, 9) => put!(out, NEVER),
            Field::EmployeeHireDate if !guest => {
                moment(out, self.created() / DAY * DAY + 8 * 3_600)
            }
            Field::EmployeeLeaveDateTime if one_in(roll, 40) => put!(out, FOREVER),
            Field::EmployeeLeaveDateTime if roll % 40 == 1 => {
                moment(out, NOW + below(roll, 300) as i64 * DAY);
            }
            Field::EmployeeOrgData if !guest && !one_in(roll, 3) => {
                put!(out, "{\"costCenter\":\"");
                number(out, 1_000 + below(roll, 90) * 10);
                put!(out, "\",\"division\":");
                text_or_null(out, if one_in(roll, 5) { "" } else { pick::<&str>(roll, DIVISIONS) });
                put!(out, "}");
            }
            Field::CustomSecurityAttributes => self.put_security_attributes(roll, out),
            Field::ExtensionCostCentre if one_in(roll, 3) => {
                put!(out, "\"CC-");
                digits(out, roll >> 16, 4);
                put!(out, " \\u00df\"");
            }
            Field::ExtensionBadge if one_in(roll, 2) => number(out, roll >> 40),
            Field::ExtensionOnCall if one_in(roll, 5) => boolean(out, roll & 64 == 0),
            Field::ExtensionSkills if one_in(roll, 4) => {
                put!(out, "[\"rust\",\"", DIVISIONS[(roll >> 8 & 3) as usize], "\"]");
            }
            // A directory extension that was never set is not in the answer at all.
            Field::ExtensionCostCentre
            | Field::ExtensionBadge
            | Field::ExtensionOnCall
            | Field::ExtensionSkills => {}
            _ => put!(out, "null"),
        }
    }

    fn put_security_attributes(&self, roll: u64, out: &mut Vec<u8>) {
        if !one_in(roll, 20) {
            return put!(out, "null");
        }
        put!(
            out,
            "{\"Engineering\":{\"@odata.type\":\"#microsoft.graph.customSecurityAttributeValue\""
        );
        put!(out, ",\"Project@odata.type\":\"#Collection(String)\",\"Project\":[\"Baker\",\"");
        put!(out, DIVISIONS[(roll >> 8 & 3) as usize], "\"],\"CostCenter@odata.type\":\"#Int32\"");
        put!(out, ",\"CostCenter\":");
        number(out, roll >> 50);
        put!(out, ",\"Certification\":");
        boolean(out, roll & 32 == 0);
        put!(out, "}}");
    }
}
