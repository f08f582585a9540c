//! The code that `derive(Commands)` makes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Data, DeriveInput, Error, Field, Fields, LitStr, Path, Result, Variant, ext::IdentExt,
    spanned::Spanned,
};

use crate::attrs::{Allow, OfArg, OfCommand, OfSet, docs};

pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new(
            input.ident.span(),
            "commands are the variants of an enum: `enum Command { Ping, Add { item: String } }`",
        ));
    };
    if data.variants.is_empty() {
        return Err(Error::new(input.ident.span(), "an enum of commands has at least one variant"));
    }
    let OfSet { prefix, path } = OfSet::read(&input.attrs)?;
    let path = path.unwrap_or_else(|| syn::parse_quote!(::easebot));
    let prefix = prefix.map(|prefix| {
        quote! {
            fn prefix() -> &'static str {
                #prefix
            }
        }
    });
    let mut problems: Option<Error> = None;
    let mut declared = Vec::new();
    for variant in &data.variants {
        match command(variant, &path) {
            Ok(command) => declared.push(command),
            Err(error) => match &mut problems {
                Some(problems) => problems.combine(error),
                None => problems = Some(error),
            },
        }
    }
    if let Some(problems) = problems {
        return Err(problems);
    }
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #path::Commands for #ident #type_generics #where_clause {
            #prefix

            fn declared() -> ::std::vec::Vec<#path::Declared<Self>> {
                ::std::vec![#(#declared),*]
            }
        }
    })
}

/// One variant.
fn command(variant: &Variant, path: &Path) -> Result<TokenStream> {
    let OfCommand { name, aliases, is_hidden, shows_typing, cooldown, allow } =
        OfCommand::read(&variant.attrs)?;
    let name = name.unwrap_or_else(|| {
        LitStr::new(&snake_case(&variant.ident.unraw().to_string()), variant.ident.span())
    });
    let about = docs(&variant.attrs);
    let ident = &variant.ident;
    let mut args = Vec::new();
    let mut values = Vec::new();
    for (index, field) in variant.fields.iter().enumerate() {
        let (name, arg) = argument(field, index, path)?;
        let field_type = &field.ty;
        let value = quote_spanned! {field_type.span()=>
            <#field_type as #path::command::FromArg>::from_value(args.get(#name).cloned())?
        };
        values.push(match &field.ident {
            Some(ident) => quote!(#ident: #value),
            None => value,
        });
        args.push(arg);
    }
    let made = match &variant.fields {
        Fields::Named(_) => quote!(Self::#ident { #(#values),* }),
        Fields::Unnamed(_) => quote!(Self::#ident(#(#values),*)),
        Fields::Unit => quote!(Self::#ident),
    };
    let args_name =
        if variant.fields.is_empty() { format_ident!("_args") } else { format_ident!("args") };
    let cooldown = cooldown.unwrap_or(0);
    let allow = match allow {
        None => quote!(::std::option::Option::None),
        Some(Allow { users, owner, admins }) => {
            let owner = owner.then(|| quote!(.and_group_owner()));
            let admins = admins.then(|| quote!(.and_group_admins()));
            quote! {
                ::std::option::Option::Some(
                    #path::role::command::Allow::users::<&str>([#(#users),*]) #owner #admins
                )
            }
        }
    };
    Ok(quote! {{
        let mut declared = #path::Declared::new(
            #name,
            |#args_name| ::std::option::Option::Some(#made),
        );
        declared.aliases = ::std::vec![#(::std::string::String::from(#aliases)),*];
        declared.about = ::std::string::String::from(#about);
        declared.args = ::std::option::Option::Some(::std::vec![#(#args),*]);
        declared.is_hidden = #is_hidden;
        declared.shows_typing = #shows_typing;
        declared.cooldown = #path::role::command::Cooldown::of_each(
            ::std::time::Duration::from_millis(#cooldown),
        );
        declared.allow = #allow;
        declared
    }})
}

/// One field: its name, and how it is declared.
fn argument(field: &Field, index: usize, path: &Path) -> Result<(LitStr, TokenStream)> {
    let OfArg { name, default, is_option, choices, min, max, max_chars } =
        OfArg::read(&field.attrs)?;
    let own = || match &field.ident {
        Some(ident) => ident.unraw().to_string(),
        None => format!("arg{}", index + 1),
    };
    let name = name.unwrap_or_else(|| LitStr::new(&own(), field.span()));
    let about = docs(&field.attrs);
    let field_type = &field.ty;
    let mut arg = quote_spanned! {field_type.span()=>
        <#field_type as #path::command::FromArg>::arg(#name).about(#about)
    };
    if !choices.is_empty() {
        arg = quote!(#arg.of_choices(&[#(#choices),*]));
    }
    if min.is_some() || max.is_some() {
        let bound = |bound: Option<f64>| match bound {
            Some(bound) => quote!(::std::option::Option::Some(#bound)),
            None => quote!(::std::option::Option::None),
        };
        let (min, max) = (bound(min), bound(max));
        arg = quote!(#arg.within(#min, #max));
    }
    if let Some(max_chars) = max_chars {
        arg = quote!(#arg.of_at_most(#max_chars));
    }
    if let Some(default) = default {
        arg = quote!(#arg.with_default(#default));
    }
    if is_option {
        arg = quote!(#arg.option());
    }
    Ok((name, arg))
}

/// `AddItem` as `add_item`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}
