//! The shop behind the sample API: orders and customers, in memory.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    Query,
    answer::{Answer, empty, json, problem},
};

/// Most orders that are kept: a demo that runs for a week must not fill the memory.
const ORDERS_MAX: usize = 1000;

/// What was bought.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Order {
    id: u64,
    customer_id: u64,
    status: Status,
    items: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Open,
    Paid,
    Shipped,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    name: String,
    quantity: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOrder {
    customer_id: u64,
    items: Vec<Item>,
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderChange {
    status: Option<Status>,
    note: Option<String>,
}

#[derive(Debug, Serialize)]
struct Customer {
    id: u64,
    name: &'static str,
    city: &'static str,
}

const CUSTOMERS: [Customer; 3] = [
    Customer { id: 1, name: "Ada Ohm", city: "Lyon" },
    Customer { id: 2, name: "Ben Acre", city: "Leeds" },
    Customer { id: 3, name: "Chi Nguyen", city: "Hue" },
];

/// Orders and customers, in memory.
pub(super) struct Shop(Mutex<BTreeMap<u64, Order>>);

impl Shop {
    /// A shop with a few orders.
    pub(super) fn new() -> Self {
        let order = |id, customer_id, status, name: &str, quantity| {
            let items = vec![Item { name: name.to_owned(), quantity }];
            (id, Order { id, customer_id, status, items, note: None })
        };
        Self(Mutex::new(BTreeMap::from([
            order(1001, 1, Status::Shipped, "oak door", 1),
            order(1002, 2, Status::Paid, "brass hinge", 3),
            order(1003, 1, Status::Open, "door handle", 2),
            order(1004, 3, Status::Open, "door bell", 1),
        ])))
    }

    /// Answers what concerns orders and customers.
    pub(super) fn answer(
        &self,
        method: &Method,
        path: &[&str],
        query: &Query<'_>,
        body: &[u8],
    ) -> Answer {
        let id = path.get(1).and_then(|it| it.parse().ok());
        match (path, id) {
            (["orders"], _) if method == Method::GET => json(StatusCode::OK, &self.orders(query)),
            (["orders"], _) if method == Method::POST => self.create(body),
            (["orders", _], Some(id)) if method == Method::GET => self.order(id),
            (["orders", _], Some(id)) if method == Method::PATCH => self.update(id, body),
            (["orders", _], Some(id)) if method == Method::DELETE => self.delete(id),
            (["customers"], _) if method == Method::GET => json(StatusCode::OK, &CUSTOMERS),
            (["customers", _], Some(id)) if method == Method::GET => {
                let customer = CUSTOMERS.iter().find(|it| it.id == id);
                customer.map_or_else(|| missing("customer", id), |it| json(StatusCode::OK, it))
            }
            _ => problem(StatusCode::NOT_FOUND, "there is nothing here"),
        }
    }

    /// The orders that `query` asks for, oldest first.
    pub(super) fn orders(&self, query: &Query<'_>) -> Vec<Order> {
        let status =
            query.text("status").map(|it| serde_json::from_value::<Status>(it.into()).ok());
        let customer = query.number("customer_id");
        let limit = usize::try_from(query.number("limit").unwrap_or(20)).unwrap_or(usize::MAX);
        let orders = self.lock();
        let wanted = orders.values().filter(|it| {
            status.is_none_or(|status| status == Some(it.status))
                && customer.is_none_or(|customer| customer == it.customer_id)
        });
        wanted.take(limit).cloned().collect()
    }

    fn order(&self, id: u64) -> Answer {
        match self.lock().get(&id) {
            Some(order) => json(StatusCode::OK, order),
            None => missing("order", id),
        }
    }

    fn create(&self, body: &[u8]) -> Answer {
        let NewOrder { customer_id, items, note } = match serde_json::from_slice(body) {
            Ok(order) => order,
            Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        let mut orders = self.lock();
        if orders.len() >= ORDERS_MAX {
            return problem(StatusCode::INSUFFICIENT_STORAGE, "the shop holds no more orders");
        }
        let id = orders.last_key_value().map_or(1001, |(last, _)| last.saturating_add(1));
        let order = Order { id, customer_id, status: Status::Open, items, note };
        let answer = json(StatusCode::CREATED, &order);
        orders.insert(id, order);
        answer
    }

    fn update(&self, id: u64, body: &[u8]) -> Answer {
        let OrderChange { status, note } = match serde_json::from_slice(body) {
            Ok(change) => change,
            Err(error) => return problem(StatusCode::BAD_REQUEST, &error.to_string()),
        };
        let mut orders = self.lock();
        let Some(order) = orders.get_mut(&id) else { return missing("order", id) };
        order.status = status.unwrap_or(order.status);
        order.note = note.or_else(|| order.note.take());
        json(StatusCode::OK, order)
    }

    fn delete(&self, id: u64) -> Answer {
        self.lock().remove(&id).map_or_else(|| missing("order", id), |_| empty())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Order>> {
        // No change leaves an order half made, so a panic elsewhere spoils nothing here.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing(noun: &str, id: u64) -> Answer {
    problem(StatusCode::NOT_FOUND, &format!("there is no {noun} {id}"))
}
