//! Licences: the subscribed SKUs, and the licence properties of users, written out beforehand.
//!
//! Licences make up most of a user's row and come in few combinations, so each combination is
//! written once, at a number of dates, when the tenant starts.

use super::chance::mix;
use super::ids::Scramble;
use super::json::{DAY, NOW, fields, moment, number, put, text};
use super::{Kind, Object, Population, TENANT_ID};

/// A service plan: name, service, id.
type Plan = (&'static str, &'static str, &'static str);

const EXCHANGE: Plan =
    ("EXCHANGE_S_ENTERPRISE", "exchange", "efb87545-963c-4e0d-99df-69c6916d9eb0");
const SHAREPOINT: Plan =
    ("SHAREPOINTENTERPRISE", "SharePoint", "5dbe027f-2339-4123-9542-606e4d348a72");
const TEAMS: Plan = ("TEAMS1", "TeamspaceAPI", "57ff2da0-773e-42df-b2af-ffb7a2317929");
const OFFICE: Plan =
    ("OFFICESUBSCRIPTION", "MicrosoftOffice", "43de0ff5-c92c-492b-9116-175376d08c38");
const SKYPE: Plan =
    ("MCOSTANDARD", "MicrosoftCommunicationsOnline", "0feaeb32-d00e-4d66-bd5a-43b5b83db82c");
const INTUNE: Plan = ("INTUNE_A", "SCO", "c1ec4a95-1f05-45b3-a911-aa3fa01094f5");
const P2: Plan = ("AAD_PREMIUM_P2", "AADPremiumService", "eec0eb4f-6444-4f95-aba0-50c24d67f998");
const RIGHTS: Plan = ("RMS_S_ENTERPRISE", "RMSOnline", "bea4c11e-220a-4e6d-8eb8-8ea15d019f90");
const FLOW: Plan = ("FLOW_P2_VIRAL", "ProcessSimple", "50e68c76-46c6-4674-81f9-75456511b170");
const FOUNDATION: Plan =
    ("EXCHANGE_S_FOUNDATION", "exchange", "113feb6c-3fe4-4440-bddc-54d774bf0318");
const POWER_BI: Plan = ("BI_AZURE_P0", "PowerBI", "2049e525-b859-401b-b2a0-e0a31c4b1fe4");
const VISIO: Plan =
    ("VISIO_CLIENT_SUBSCRIPTION", "MicrosoftOffice", "663a804f-1c30-4ff0-9915-9db84f0d1cea");

/// What the tenant has bought.
#[derive(Debug)]
pub(super) struct Sku {
    part: &'static str,
    id: &'static str,
    /// Of 100 users so many have it.
    share: u64,
    plans: &'static [Plan],
}

pub(super) const SKUS: &[Sku] = &[
    Sku {
        part: "ENTERPRISEPREMIUM",
        id: "c7df2760-2c81-4ef7-b578-5b5392b571df",
        share: 22,
        plans: &[EXCHANGE, TEAMS, OFFICE, SKYPE],
    },
    Sku {
        part: "ENTERPRISEPACK",
        id: "6fd2c87f-b296-42f0-b197-1e91e994b900",
        share: 35,
        plans: &[EXCHANGE, SHAREPOINT, OFFICE],
    },
    Sku {
        part: "EMSPREMIUM",
        id: "b05e124f-c7cc-45a0-a6aa-8cf78c946968",
        share: 15,
        plans: &[INTUNE, P2, RIGHTS],
    },
    Sku {
        part: "FLOW_FREE",
        id: "f30db892-07e9-47e9-837c-80727f46fd3d",
        share: 14,
        plans: &[FLOW, FOUNDATION],
    },
    Sku {
        part: "POWER_BI_STANDARD",
        id: "a403ebcc-fae0-4ca2-8c8c-7a907fd6c235",
        share: 8,
        plans: &[POWER_BI, FOUNDATION],
    },
    Sku {
        part: "VISIOCLIENT",
        id: "c5928f49-12ba-48f7-ada3-0d743a3601d5",
        share: 3,
        plans: &[VISIO],
    },
];

/// The combinations that users have: places in `SKUS`, and whether a plan is switched off.
const PROFILES: [(&[usize], bool); 8] = [
    (&[], false),
    (&[1], false),
    (&[1], true),
    (&[0], false),
    (&[1, 2], false),
    (&[3], false),
    (&[0, 4, 5], true),
    (&[1, 3], false),
];

/// The combination of a member by a roll below 64; guests mostly have the first, none.
pub(super) const PROFILE_OF: [u8; 64] = {
    let mut of = [0; 64];
    let shares = [26, 12, 5, 9, 4, 3, 3, 2];
    let (mut place, mut profile) = (0, 0);
    while profile < shares.len() {
        let mut n = 0;
        while n < shares[profile] {
            of[place] = profile as u8;
            place += 1;
            n += 1;
        }
        profile += 1;
    }
    of
};

/// At so many dates every combination is written out.
pub(super) const DATES: usize = 16;

/// The licence properties of users, ready to be copied.
#[derive(Debug)]
pub(super) struct Plans {
    profiles: Vec<Profile>,
}

/// One combination.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) licences: Vec<u8>,
    pub(super) provisioned: Vec<u8>,
    /// By date.
    pub(super) assigned: [Vec<u8>; DATES],
    /// By date.
    pub(super) states: [Vec<u8>; DATES],
}

impl Plans {
    pub(super) fn new(seed: u64, scramble: &Scramble) -> Self {
        let profiles = PROFILES
            .iter()
            .enumerate()
            .map(|(place, (skus, disabled))| {
                let at = |date: usize| {
                    NOW - (mix(seed ^ (place * DATES + date) as u64) % (900 * DAY as u64)) as i64
                };
                let by_group = |date: usize| scramble.guid(Kind::Group as u64, (date % 5) as u64);
                Profile {
                    licences: list(skus, |sku, out| write_licence(sku, *disabled, out)),
                    provisioned: plan_list(skus, write_provisioned),
                    assigned: std::array::from_fn(|date| {
                        plan_list(skus, |plan, out| write_assigned(plan, at(date), *disabled, out))
                    }),
                    states: std::array::from_fn(|date| {
                        let group = (date % 3 == 0).then(|| by_group(date));
                        list(skus, |sku, out| write_state(sku, *disabled, at(date), group, out))
                    }),
                }
            })
            .collect();
        Self { profiles }
    }

    #[inline]
    pub(super) fn profile(&self, number: usize) -> &Profile {
        &self.profiles[number % PROFILES.len()]
    }
}

/// A JSON list with an item for each SKU of a combination.
fn list(skus: &[usize], mut item: impl FnMut(&'static Sku, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![b'['];
    for (n, &sku) in skus.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        item(&SKUS[sku], &mut out);
    }
    out.push(b']');
    out
}

/// A JSON list with an item for each plan of each SKU.
fn plan_list(skus: &[usize], mut item: impl FnMut(&Plan, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = vec![b'['];
    for plan in skus.iter().flat_map(|&sku| SKUS[sku].plans) {
        if out.len() > 1 {
            out.push(b',');
        }
        item(plan, &mut out);
    }
    out.push(b']');
    out
}

fn write_disabled(sku: &Sku, disabled: bool, out: &mut Vec<u8>) {
    put!(out, "\"disabledPlans\":[");
    if let (true, Some(plan)) = (disabled, sku.plans.last()) {
        text(out, plan.2);
    }
    put!(out, "]");
}

fn write_licence(sku: &Sku, disabled: bool, out: &mut Vec<u8>) {
    put!(out, "{");
    write_disabled(sku, disabled, out);
    put!(out, ",\"skuId\":\"", sku.id, "\"}");
}

fn write_provisioned(plan: &Plan, out: &mut Vec<u8>) {
    put!(
        out,
        "{\"capabilityStatus\":\"Enabled\",\"provisioningStatus\":\"Success\",\"service\":\""
    );
    put!(out, plan.1, "\"}");
}

fn write_assigned(plan: &Plan, at: i64, disabled: bool, out: &mut Vec<u8>) {
    put!(out, "{\"assignedDateTime\":");
    moment(out, at);
    let status = if disabled && plan.0 == OFFICE.0 { "Deleted" } else { "Enabled" };
    put!(out, ",\"capabilityStatus\":\"", status, "\",\"service\":\"", plan.1);
    put!(out, "\",\"servicePlanId\":\"", plan.2, "\"}");
}

fn write_state(sku: &Sku, disabled: bool, at: i64, group: Option<super::Guid>, out: &mut Vec<u8>) {
    put!(out, "{\"skuId\":\"", sku.id, "\",\"assignedByGroup\":");
    match group {
        Some(group) => text(out, group),
        None => put!(out, "null"),
    }
    put!(out, ",\"state\":\"Active\",\"error\":\"None\",\"lastUpdatedDateTime\":");
    moment(out, at + 3_600);
    put!(out, ",");
    write_disabled(sku, disabled, out);
    put!(out, "}");
}

/// The SKU of an id `{tenant}_{sku}`.
pub(super) fn find(id: &str) -> Option<Object> {
    let (tenant, sku) = id.split_once('_')?;
    let ours = tenant.eq_ignore_ascii_case(TENANT_ID);
    let index = SKUS.iter().position(|known| known.id.eq_ignore_ascii_case(sku))?;
    ours.then_some(Object { kind: Kind::SubscribedSku, index: index as u64 })
}

pub(super) fn write_id(index: u64, out: &mut Vec<u8>) {
    let sku = SKUS.get(index as usize).map(|sku| sku.id).unwrap_or_default();
    put!(out, TENANT_ID, "_", sku);
}

fields! {
    Id "id" "Edm.String" default
    AccountId "accountId" "Edm.String" default
    AccountName "accountName" "Edm.String" default
    AppliesTo "appliesTo" "Edm.String" default
    CapabilityStatus "capabilityStatus" "Edm.String" default
    ConsumedUnits "consumedUnits" "Edm.Int32" default
    PrepaidUnits "prepaidUnits" "licenseUnitsDetail" default
    ServicePlans "servicePlans" "Collection(servicePlanInfo)" default
    SkuId "skuId" "Edm.Guid" default
    SkuPartNumber "skuPartNumber" "Edm.String" default
    SubscriptionIds "subscriptionIds" "Collection(Edm.String)" default
}

/// A subscribed SKU.
pub(super) struct Row<'a> {
    population: &'a Population,
    index: u64,
    sku: &'static Sku,
}

impl<'a> Row<'a> {
    pub(super) fn new(population: &'a Population, index: u64) -> Self {
        let sku = SKUS.get(index as usize).unwrap_or(&SKUS[0]);
        Self { population, index, sku }
    }

    fn put(&self, field: Field, out: &mut Vec<u8>) {
        let consumed = self.population.count(Kind::User) * self.sku.share / 100;
        match field {
            Field::Id => {
                put!(out, "\"", TENANT_ID, "_", self.sku.id, "\"");
            }
            Field::AccountId => text(out, TENANT_ID),
            Field::AccountName => text(out, "contoso"),
            Field::AppliesTo => text(out, if self.index == 4 { "Company" } else { "User" }),
            Field::CapabilityStatus => {
                text(out, if self.index == 5 { "Warning" } else { "Enabled" })
            }
            Field::ConsumedUnits => number(out, consumed),
            Field::PrepaidUnits => {
                put!(out, "{\"enabled\":");
                number(out, (consumed + consumed / 10 + 25) / 25 * 25);
                put!(out, ",\"suspended\":0,\"warning\":");
                number(out, if self.index == 5 { 25 } else { 0 });
                put!(out, ",\"lockedOut\":0}");
            }
            Field::ServicePlans => {
                for (n, plan) in self.sku.plans.iter().enumerate() {
                    put!(out, if n == 0 { "[" } else { "," });
                    put!(out, "{\"servicePlanId\":\"", plan.2, "\",\"servicePlanName\":\"", plan.0);
                    put!(out, "\",\"provisioningStatus\":\"Success\",\"appliesTo\":\"User\"}");
                }
                put!(out, "]");
            }
            Field::SkuId => text(out, self.sku.id),
            Field::SkuPartNumber => text(out, self.sku.part),
            Field::SubscriptionIds => {
                let id = self.population.guid(super::tag::SUBSCRIPTION, self.index);
                put!(out, "[\"", id, "\"]");
            }
        }
    }
}
