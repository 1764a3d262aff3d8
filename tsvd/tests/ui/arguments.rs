struct Slab(u8);

#[tsvd::contract(colour = "red", role)]
impl Slab {
    #[tsvd::read(kye = id)]
    fn unknown(&self) {}

    #[tsvd::read(key = 1, key = 2)]
    fn twice(&self) {}

    #[tsvd::read(key)]
    fn no_value(&self) {}

    #[tsvd::read(key =)]
    fn empty_value(&self) {}

    #[tsvd::read(key = ;)]
    fn no_expression(&self) {}

    #[tsvd::read(role = producer)]
    fn no_literal(&self) {}

    #[tsvd::read(role = "")]
    fn empty_role(&self) {}

    #[tsvd::read(resource = " ")]
    fn empty_resource(&self) {}

    #[tsvd::read("key")]
    fn no_name(&self) {}

    #[tsvd::read(key = 1 role = "a")]
    fn no_comma(&self) {}

    #[tsvd::read = "key"]
    fn no_parentheses(&self) {}

    #[tsvd::read(read(get))]
    fn no_contract(&self) {}

    #[tsvd::read(crate = "tsvd")]
    fn no_path(&self) {}
}

fn main() {}
